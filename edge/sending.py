"""How answers leave: the head with the body that follows it, and no connection open for who does not read."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

LINGER: Final = 1.0
"""Seconds for which a connection that ends before its client has said all is still read, unheard: closed at
once, it would be reset under who is still sending, and the answer lost (RFC 9112 9.6)."""
_STATUS_LINE: Final = b"HTTP/1."
_HEAD_END: Final = b"\r\n\r\n"


class Sending:
    """Put before the transport of an HTTP connection.

    uvicorn writes head and body by themselves. A write to a socket is a system call, which on loopback or a
    bridge also delivers the segment: some 20 µs, more than all that stands around an answer here. So a head
    waits for the next write, but not beyond the event loop's turn. After `close`, what was written has
    `within` seconds to be read; asyncio alone would wait for ever.

    `lingers` is asked when the connection is to be closed: whether it is to be read for a moment more.
    """

    def __init__(self, transport: asyncio.Transport, within: float, lingers: Callable[[], bool]) -> None:
        self._transport = transport
        self._within = within
        self._lingers = lingers
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._is_lingering = False

    def write(self, data: bytes) -> None:
        if self._head:
            self._head, data = b"", self._head + data
        elif data.startswith(_STATUS_LINE) and data.endswith(_HEAD_END):
            self._head = data
            self._loop.call_soon(self._send_head)
            return
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._is_lingering or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        self._send_head()
        if not self._lingers():
            self._close()
            return
        self._is_lingering = True
        self._transport.write_eof()
        # It may have been paused, and what is not read would reset the connection.
        self._transport.resume_reading()
        self._loop.call_later(LINGER, self._close)

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def _close(self) -> None:
        if self._transport.get_write_buffer_size() and not self._transport.is_closing():
            self._loop.call_later(self._within, self._transport.abort)
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
