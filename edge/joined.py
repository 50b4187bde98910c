"""A transport on which the head of an answer leaves with the body that follows it.

uvicorn writes the two by themselves. A write to a socket is a system call, which on loopback or a bridge also
delivers the segment: some 20 µs, more than all that stands around an answer here.
"""

import asyncio
from typing import Any, Final

_STATUS_LINE: Final = b"HTTP/1."
_HEAD_END: Final = b"\r\n\r\n"


class Joined:
    """Put before the transport of an HTTP connection. A head waits for the next write, but not beyond the
    event loop's turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            self._head, data = b"", self._head + data
        elif data.startswith(_STATUS_LINE) and data.endswith(_HEAD_END):
            self._head = data
            self._loop.call_soon(self._send_head)
            return
        self._transport.write(data)

    def write_eof(self) -> None:
        self._send_head()
        self._transport.write_eof()

    def close(self) -> None:
        self._send_head()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
