"""After a rush of answers, gives its memory back.

Of the 80 MiB that 3,000 streams take, 20 come back so. The rest stays with Python, which gives memory back in
pieces of a mebibyte, and only whole ones: some object lives on in each (measured).
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

    async def run(self) -> None:
        # A service that has just started has had no rush: its memory is in use.
        self._kept = self._least = self._resident()
        while True:
            await asyncio.sleep(self._every)
            self.look()

    def look(self) -> None:
        running = self._answers.count
        self._most = max(self._most, running)
        if running * QUIET > self._most:
            return
        # The end of a rush comes in steps. Elsewhere, what a relief has left is in use.
        before = self._least if self._most >= RUSH else self._kept
        if self._resident() - before >= GROWN:
            memory.give_back()
            self._kept = self._resident()
            self._least = min(self._least, self._kept)
            self._most = running
