"""A deadline for a server's answer, which does not expire because our own event loop stalled."""

import asyncio
from types import TracebackType
from typing import Final

LATE: Final = 0.05
"""Seconds that a deadline's timer may be late; if it is later, the event loop itself has stalled."""


class Deadline:
    """A block that ends with TimeoutError at the loop's time `due`, or LATE after a stalled loop resumes."""

    def __init__(self, due: float) -> None:
        self._due = due
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_at(self._due, self._expire, self._due)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _expire(self, planned: float) -> None:
        now = self._loop.time()
        if now - planned > LATE:
            # The event loop stalled, not the server: the reply may have arrived and be unread.
            self._timer = self._loop.call_at(now + LATE, self._expire, now + LATE)
        else:
            self._limit.reschedule(now)
