"""Chooses when the garbage collector visits all objects.

The event loop stands still meanwhile: 3,000 streams have 400,000 objects, and a visit takes 90 to 280 ms. By
itself Python begins one whenever a quarter more objects have come to stay, so several while streams begin.
Requests leave next to nothing that only it would find: a few hundred objects of some thousand questions,
refusals and sign-ins (measured). So it waits for a moment with few connections.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

from edge import memory

EVERY: Final = 1.0
FEW: Final = 64
"""Connections whose objects take some milliseconds."""
PASSES: Final = 10
"""Collections of the younger objects since the last one of all that make it worth its time: Python's own
number."""
GROWN: Final = 128 * 1_048_576
"""Bytes by which the process has grown since the last one when it waits no longer, in case that something
leaves garbage after all."""
_NEVER: Final = 1_000_000_000


class FullCollections:
    """Looks once in `every` seconds. `connections` are those open now, `resident` is bytes in memory."""

    def __init__(
        self,
        connections: Callable[[], int],
        *,
        every: float = EVERY,
        resident: Callable[[], int] = memory.resident,
    ) -> None:
        self._connections = connections
        self._every = every
        self._resident = resident
        self._before = gc.get_threshold()
        self._kept = 0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take them over from Python. Objects that exist by now stay, so no collection visits them again; it
        would find some 700 to free, in 30 ms."""
        gc.freeze()
        self._before = gc.get_threshold()
        gc.set_threshold(*self._before[:2], _NEVER)
        self._kept = self._resident()
        self._wait()

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
            gc.set_threshold(*self._before)

    def look(self) -> None:
        if gc.get_count()[2] < PASSES:
            return
        if self._connections() <= FEW or self._resident() - self._kept >= GROWN:
            gc.collect()
            self._kept = self._resident()

    def _wait(self) -> None:
        self._next = asyncio.get_running_loop().call_later(self._every, self._turn)

    def _turn(self) -> None:
        self.look()
        self._wait()
