"""Makes concurrent questions about one session one, and remembers answers for a stated time."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from edge.upstreams.session import ForeignSession, Reference, Upstream

KEPT: Final = 10_000
"""Sessions whose answers a worker remembers, each of some 500 bytes."""

Answer = ForeignSession | None


class Remembered:
    """Asks `upstream`. A result of `look` counts for `seconds` from when it was asked; no failure is
    remembered, so a good answer from before goes on for its time. `clock` is monotonic seconds."""

    def __init__(self, upstream: Upstream, seconds: float, clock: Callable[[], float]) -> None:
        self.way = upstream.way
        self._upstream = upstream
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Reference, tuple[float, Answer]] = OrderedDict()
        self._asked: dict[Reference, tuple[float, asyncio.Task[Answer]]] = {}

    async def find(self, token: str, now: float) -> Answer:
        # Never the answer to an earlier question: after a sign-out an exchange asks whether it came too late.
        return await self._upstream.find(token, now)

    async def look(self, reference: Reference, now: float) -> Answer:
        kept = self._kept.get(reference)
        if kept is not None and self._clock() - kept[0] < self._seconds:
            return kept[1]
        asked_at, found = await self._once(reference, now)
        self._kept[reference] = (asked_at, found)
        self._kept.move_to_end(reference)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    async def describe(self, now: float) -> str:
        return await self._upstream.describe(now)

    async def close(self) -> None:
        await self._upstream.close()

    async def _once(self, reference: Reference, now: float) -> tuple[float, Answer]:
        """The time of asking, and the answer."""
        asked = self._asked.get(reference)
        # To wait for an earlier question counts as remembering its answer.
        if asked is None or self._clock() - asked[0] >= self._seconds:
            task = asyncio.create_task(self._upstream.look(reference, now))
            asked = self._asked[reference] = (self._clock(), task)
            task.add_done_callback(lambda one: self._answered(reference, one))
        # One who leaves must not take the answer from the others.
        return asked[0], await asyncio.shield(asked[1])

    def _answered(self, reference: Reference, task: asyncio.Task[Answer]) -> None:
        asked = self._asked.get(reference)
        if asked is not None and asked[1] is task:
            del self._asked[reference]
        # Where all who wait have left, nobody takes the exception.
        if not task.cancelled():
            task.exception()
