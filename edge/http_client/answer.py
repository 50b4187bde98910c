"""An answer under way: its head, the bytes of its body that are not read yet, and how it ended."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class ClientTorn(ConnectionError):
    """The connection ended before the answer did."""


class ClientMalformed(ConnectionError):
    """The server sent other bytes than one HTTP/1.1 answer."""


class Line(Protocol):
    """The connection that an answer comes on."""

    def go_on(self) -> None:
        """Read on, after the answer held too much."""

    def abort(self) -> None: ...


class Answer:
    """An answer under way; names of `headers` are in lower case, values of a repeated one are joined. One
    task reads it.

    While that task waits for more, `consume` gets the bytes as soon as the connection has read them, which
    spares a turn of the event loop. It returns True when it wants more; False ends the wait, and `more` then
    returns the bytes that came after those, if any.
    """

    __slots__ = (
        *("_chunks", "_error", "_is_whole", "_line", "_loop", "_waiter"),
        *("consume", "headers", "held", "status"),
    )

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.held = 0
        self.consume: Callable[[bytes], bool] | None = None
        self._loop = loop
        self._line: Line | None = line
        self._chunks: list[bytes] = []
        self._is_whole = False
        self._error: type[ConnectionError] | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Wait for the head. Raises ConnectionError."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._news()

    async def more(self) -> bytes:
        """The next bytes as soon as there are any; empty at the end. Raises ConnectionError. A wait that is
        cancelled may be begun again."""
        while not self._chunks:
            if self._is_whole:
                return b""
            if self._error is not None:
                raise self._error
            await self._news()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self.held = 0
        if self._line is not None:
            self._line.go_on()
        return data

    def close(self) -> None:
        """Close the connection, unless the answer is whole: then another request may have it by now."""
        if self._line is not None:
            self._line.abort()

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers
        self._wake()

    def take(self, data: bytes) -> None:
        if self.consume is not None and not self._chunks:
            if self.consume(data):
                return
            data = b""
        self._chunks.append(data)
        self.held += len(data)
        self._wake()

    def end(self, error: type[ConnectionError] | None) -> None:
        """None: the answer is whole."""
        self._line = None
        self._is_whole, self._error = error is None, error
        self._wake()

    async def _news(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
