"""Sends answers: those of one turn of the event loop together, and no endless wait for a client to read."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from edge.turns import Turn

MAX_HELD: Final = 65_536
"""Bytes of one connection that may wait for the end of a turn. More are sent at once: a transport that cannot
pass them on pauses the application."""


def _never() -> None:
    return None


class Sending:
    """Put before the transport of an HTTP connection.

    Bytes wait for the end of the event loop's turn, so that uvicorn's head and body leave together. A client
    that does not read has `within` seconds to read on, and after `close` to read what was written; asyncio
    alone would wait for ever.

    `lingers` is called when the connection is about to be closed: if it is to be read for `linger` seconds
    more, it returns what is called after them.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        turn: Turn,
        within: float,
        linger: float,
        lingers: Callable[[], Callable[[], object] | None],
    ) -> None:
        self._transport = transport
        self._turn = turn
        self._within = within
        self._linger = linger
        self._lingers = lingers
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._held_size = 0
        self._is_lingering = False
        self._lingered: Callable[[], object] = _never
        self._unread: asyncio.TimerHandle | None = None

    @property
    def unread(self) -> int:
        """Bytes that wait for a client which does not read; 0 while it reads fast enough."""
        return 0 if self._unread is None else self._transport.get_write_buffer_size()

    def pause(self) -> None:
        """The event loop has said that the client does not read."""
        self.resume()
        self._unread = self._loop.call_later(self._within, self.abort)

    def resume(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def write(self, data: bytes) -> None:
        if not self._held:
            self._turn.add(self)
        self._held.append(data)
        self._held_size += len(data)
        if self._held_size > MAX_HELD:
            self.flush()

    def flush(self) -> None:
        """Pass on what is held. A connection that the client has closed drops it."""
        if self._held:
            data = b"".join(self._held)
            self._drop()
            if not self._transport.is_closing():
                self._transport.write(data)

    def is_closing(self) -> bool:
        return self._is_lingering or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        self.flush()
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
            self.flush()
            self._close()

    def abort(self) -> None:
        self._drop()
        self._transport.abort()

    def forget(self) -> None:
        """Drop the references to the connection's protocol, which has ended, and what was held for it."""
        self._drop()
        self.resume()
        self._lingers = self._lingered = _never

    def _drop(self) -> None:
        self._held = []
        self._held_size = 0

    def _close(self) -> None:
        self._lingered()
        # Where the client has half-closed it, the event loop has closed it already, and waits for ever.
        if self._transport.get_write_buffer_size():
            self._loop.call_later(self._within, self._transport.abort)
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
