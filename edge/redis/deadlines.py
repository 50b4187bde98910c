"""A deadline for a server's answer, which does not expire because our own event loop stalled."""

import asyncio
from types import TracebackType
from typing import Final

LATE: Final = 0.05
"""Seconds that a server is given after the event loop has stalled; a timer that is later than this says so
each time, for as long as GIVEN."""
GIVEN: Final = 1.0
"""Seconds that a server is given in all. On a loop whose every turn takes a tenth of a second, as where the
process has a small part of a processor, each timer is so late, and an outage would never be noticed."""
STALLED: Final = 0.005
"""Seconds: if a deadline's timer is later, the event loop has likely stalled."""


class Deadline:
    """A block that ends with TimeoutError STALLED after the loop's time `due`, or LATE after a stalled loop
    resumes, but a turn after GIVEN at the latest. Timers that came due while a turn's reading stalled are
    called by uvloop before it reads again (0.23), so each reply that has come by then is read first: with
    three thousand streams open, the events of one turn alone take a part of a flight's time.

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
        self._timer = self._loop.call_at(self._due, self._expire, self._due, False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # A cancellation that came from elsewhere as well is passed on.
        if self._has_expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _expire(self, planned: float, has_waited: bool) -> None:
        now = self._loop.time()
        late = now - planned
        if late > LATE and now < self._due + GIVEN:
            self._wait(now + LATE)
        elif not has_waited:
            # Once only: on a busy event loop every timer is this late, and an outage must be noticed.
            self._wait(now + (LATE if late > STALLED else STALLED))
        else:
            self._has_expired = True
            self._task.cancel()

    def _wait(self, until: float) -> None:
        self._timer = self._loop.call_at(until, self._expire, until, True)
