"""A deadline for a server's answer, which does not expire because our own event loop stalled."""

import asyncio
from types import TracebackType
from typing import Final

LATE: Final = 0.05
"""Seconds that a deadline's timer may be late; if it is later, the event loop itself has stalled."""


class Deadline:
    """A block that ends with TimeoutError at the loop's time `due`, or LATE after a stalled loop resumes.

    It cancels as `asyncio.timeout` does. That one would be awaited twice for each flight, and has a timer and
    states of its own, which cost three times as much.
    """

    def __init__(self, due: float) -> None:
        self._due = due
        self._has_expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A deadline is for the block of a task.")
        self._task = task
        self._cancelling = task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_at(self._due, self._expire, self._due)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # A cancellation that came from elsewhere as well is passed on.
        if self._has_expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self, planned: float) -> None:
        now = self._loop.time()
        if now - planned > LATE:
            # The event loop stalled, not the server: the reply may have arrived and be unread.
            self._timer = self._loop.call_at(now + LATE, self._expire, now + LATE)
        else:
            self._has_expired = True
            self._task.cancel()
