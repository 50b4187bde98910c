"""The deadline of a connection, which moves with each step of its client."""

import asyncio
from collections.abc import Callable


def _nothing() -> None:
    return None


class MovedDeadline:
    """One timer for each connection, which looks again if its time was moved: most requests end long before,
    and a timer for each request would cost more than its head. `expired` is called when the deadline has
    passed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def clear(self) -> None:
        self._due = None

    def end(self) -> None:
        """Clear it for good, and drop the reference to the connection's protocol."""
        self.clear()
        self._expired = _nothing
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._expired()
