"""One id a request, ours alone: it is in every log line of the request and in `X-Request-Id`."""

import secrets
from typing import Final

import structlog

HEADER: Final = b"x-request-id"


def new() -> str:
    """An id that the caller sends is not read: it would be their text in our logs."""
    return secrets.token_hex(8)


def bind(request_id: str) -> None:
    """To the log lines of this context; never unbound, as each request has a task of its own."""
    structlog.contextvars.bind_contextvars(request_id=request_id)
