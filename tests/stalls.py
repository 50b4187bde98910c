"""The time for which this process stood still, as on a machine with more to do than it has processors."""

import asyncio
import time

TICK_S = 0.01


class Stalls:
    """Around what is held to a deadline on the wall clock: `seconds` are afterwards those that this process
    was not given a processor, or its event loop did not turn."""

    def __init__(self):
        self.seconds = 0.0

    async def __aenter__(self):
        self._due = time.monotonic()
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_):
        self._note()
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)

    async def _tick(self):
        while True:
            self._note()
            self._due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)

    def _note(self):
        self.seconds += max(0.0, time.monotonic() - self._due)
