"""The beginning of a request, held until the application is called."""

import asyncio
from collections.abc import Callable

from edge.server.http1.door import MAX_UNHEARD


class Unheard:
    """Held for `within` seconds at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop, within: float) -> None:
        self._loop = loop
        self._within = within
        self._data: bytearray | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_held(self) -> bool:
        return self._data is not None

    def begin(self, data: bytes, due: Callable[[], None]) -> None:
        """`due` is called when it has been held for long enough."""
        self._data = bytearray(data)
        self._timer = self._loop.call_later(self._within, due)

    def add(self, data: bytes) -> bool:
        """Return False once it is larger than may be held."""
        assert self._data is not None  # noqa: S101  `is_held` said so
        self._data += data
        return len(self._data) <= MAX_UNHEARD

    def take(self) -> bytes:
        """All of it that has arrived, which is held no longer."""
        data = bytes(self._data or b"")
        self.drop()
        return data

    def drop(self) -> None:
        self._data = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
