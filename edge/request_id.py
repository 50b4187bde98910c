"""One id a request, ours alone: it is in every log line of the request and in `X-Request-Id`."""

import secrets
from collections import Counter
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = b"x-request-id"
_CLASSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx")


class RequestId:
    """Wraps `app`. An id that the caller sends is not read: it would be their text in our logs.

    Counts what is answered in `responses`, by class of status."""

    def __init__(self, app: ASGIApp, responses: Counter[str] | None = None) -> None:
        self._app = app
        self._responses = Counter[str]() if responses is None else responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._responses[_CLASSES[message["status"] // 100]] += 1
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_id)
