"""Sends answers: the head together with the start of the body, and no endless wait for a client to read."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_STATUS_LINE: Final = b"HTTP/1."
_HEAD_END: Final = b"\r\n\r\n"


def _never() -> None:
    return None


class Sending:
    """Put before the transport of an HTTP connection.

    uvicorn writes head and body separately. A write to a socket is a system call, which on loopback or a
    bridge also delivers the segment: some 20 µs, more than all the middleware of an answer. So a head waits
    for the next write, but not beyond the event loop's turn. After `close`, the client has `within` seconds
    to read what was written; asyncio alone would wait for ever.

    `lingers` is called when the connection is about to be closed: if it is to be read for `linger` seconds
    more, it returns what is called after them.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        within: float,
        linger: float,
        lingers: Callable[[], Callable[[], object] | None],
    ) -> None:
        self._transport = transport
        self._within = within
        self._linger = linger
        self._lingers = lingers
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._is_lingering = False
        self._lingered: Callable[[], object] = _never

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
        lingered = self._lingers()
        if lingered is None:
            self._close()
            return
        self._is_lingering, self._lingered = True, lingered
        self._transport.write_eof()
        # Reading may have been paused, and unread bytes would reset the connection.
        self._transport.resume_reading()
        self._loop.call_later(self._linger, self._close)

    def end(self) -> None:
        """Close it once the client has said that it sends no more: there is nothing left to read."""
        if not self.is_closing():
            self._send_head()
            self._close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def forget(self) -> None:
        """Drop the reference to the connection's protocol, which has ended."""
        self._lingers = self._lingered = _never

    def _close(self) -> None:
        self._lingered()
        # Where the client has half-closed it, the event loop has closed it already, and waits for ever.
        if self._transport.get_write_buffer_size():
            self._loop.call_later(self._within, self._transport.abort)
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _send_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
