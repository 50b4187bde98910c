"""Answers `GET /metrics` on a port of its own, which only this machine can reach."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from edge.server.inherited import listen
from edge.telemetry.metrics import CONTENT_TYPE

HOST: Final = "127.0.0.1"
MAX_HEAD: Final = 8192
WITHIN: Final = 5.0
"""Seconds for a request and its answer."""
MAX_CONNECTIONS: Final = 16

Text = Callable[[], Awaitable[bytes]]


class CannotListen(Exception):
    """The port is taken or may not be used; the message says what to do."""


def bind(service: str, port: int) -> socket.socket | None:
    """The listening socket; None where no port is configured. Raises CannotListen."""
    if port == 0:
        return None
    try:
        return listen(HOST, port, backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise CannotListen(
            f"{service}.metrics_port: cannot listen on {HOST}:{port} ({error.strerror}). End what does, set "
            f"CHATGATE_{service.upper()}_METRICS_PORT to another port, or to 0 for none."
        ) from None


async def start(listener: socket.socket, text: Text) -> asyncio.Server:
    """Serve until the server is closed. `text` is called at every request."""
    open_now = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        try:
            if open_now <= MAX_CONNECTIONS:
                async with asyncio.timeout(WITHIN):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(await _answer(head.split(b"\r\n", 1)[0], text))
                    await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            # A client that does not speak HTTP here is no scraper of ours.
            pass
        finally:
            open_now -= 1
            writer.close()

    return await asyncio.start_server(answer, sock=listener, limit=MAX_HEAD)


async def _answer(request: bytes, text: Text) -> bytes:
    method, _, rest = request.partition(b" ")
    path = rest.split(b" ")[0].partition(b"?")[0]
    if path != b"/metrics":
        return _response(b"404 Not Found", b"Metrics are at /metrics.\n")
    if method not in (b"GET", b"HEAD"):
        return _response(b"405 Method Not Allowed", b"Use GET.\n", b"Allow: GET, HEAD\r\n")
    body = await text()
    head = _response(b"200 OK", body, kind=CONTENT_TYPE.encode())
    return head[: -len(body)] if method == b"HEAD" else head


def _response(status: bytes, body: bytes, more: bytes = b"", kind: bytes = b"text/plain") -> bytes:
    return (
        b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-store\r\n%b"
        b"Connection: close\r\n\r\n%b" % (status, kind, len(body), more, body)
    )
