"""One id for each request, made by us: it is in every log line of the request and in `X-Request-Id`."""

import secrets
from typing import Final

from edge.telemetry import logs

HEADER: Final = b"x-request-id"


def new() -> str:
    """A new id. An id that the caller sends is ignored: it would put the caller's text into our logs."""
    return secrets.token_hex(8)


def bind(request_id: str) -> None:
    """Add the id to the log lines of this context; it is never unbound, as each request has its own task."""
    logs.request_id.set(request_id)
