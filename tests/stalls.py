"""The time for which this process stood still, as on a machine with more to do than it has processors."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Self

TICK_S = 0.01


class Stalls:
    """Around what is held to a deadline on the wall clock: `seconds` are afterwards those for which the event
    loop did not turn though this process used no processor. Its own computing is not among them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def __aenter__(self) -> Self:
        self._expect(0)
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._note()
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            self._note()
            self._expect(TICK_S)
            await asyncio.sleep(TICK_S)

    def _expect(self, pause: float) -> None:
        self._due = time.monotonic() + pause
        self._used = time.process_time()

    def _note(self) -> None:
        late = time.monotonic() - self._due
        self.seconds += max(0.0, late - (time.process_time() - self._used))


@contextlib.asynccontextmanager
async def promptly(seconds: float) -> AsyncIterator[None]:
    """The block takes less than that, less the time for which this process stood still."""
    start = time.monotonic()
    async with Stalls() as stalls:
        yield
        took = time.monotonic() - start
    assert took - stalls.seconds < seconds
