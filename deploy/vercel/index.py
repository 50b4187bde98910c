"""Where Vercel looks for an application: the generated backend, beside this file."""

from backend import app

__all__ = ["app"]
