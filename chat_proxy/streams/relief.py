"""After a rush of answers, gives its memory back.

Of the 80 MiB that 3,000 streams take, 20 come back so. The rest stays with Python, which gives memory back in
pieces of a mebibyte, and only whole ones. A few objects of each live on: those that libraries keep for their
next use (uvloop 250 handles, asyncio 255 futures), remembered tokens, and those of periodic tasks (measured).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from chat_proxy.streams.running import RunningAnswers
from edge import memory

EVERY: Final = 1.0
GROWN: Final = 4 * 1_048_576
"""Bytes by which the process has grown when a relief is worth its milliseconds."""
RUSH: Final = 64
"""Answers at once that count as a rush."""
AGAIN_AFTER: Final = 9
"""Looks from the end of a rush until its memory is given back once more: a connection to a backend stays idle
for up to 8 s."""
QUIET: Final = 8
"""The part of the most answers, one in so many, that may still run in a quiet moment."""


class Relief:
    """Looks once in `every` seconds. `resident` is bytes in memory."""

    def __init__(
        self,
        answers: RunningAnswers,
        *,
        every: float = EVERY,
        resident: Callable[[], int] = memory.resident,
    ) -> None:
        self._answers = answers
        self._every = every
        self._resident = resident
        self._most = 0
        self._kept = self._least = 0
        self._again_in = 0

    async def run(self) -> None:
        # A service that has just started has had no rush: its memory is in use.
        self._kept = self._least = self._resident()
        while True:
            await asyncio.sleep(self._every)
            self.look()

    def look(self) -> None:
        running = self._answers.count
        self._most = max(self._most, running)
        if self._again_in > 1 or (self._again_in and running < RUSH):
            self._again_in -= 1
            if not self._again_in:
                self._give_back()
        if running * QUIET > self._most:
            return
        # The end of a rush comes in steps. Elsewhere, what a relief has left is in use.
        is_after_rush = self._most >= RUSH
        before = self._least if is_after_rush else self._kept
        if self._resident() - before >= GROWN:
            self._give_back()
            self._again_in = AGAIN_AFTER if is_after_rush else self._again_in
            self._most = running

    def _give_back(self) -> None:
        memory.give_back()
        self._kept = self._resident()
        self._least = min(self._least, self._kept)
