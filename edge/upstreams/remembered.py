"""Makes concurrent questions about one session one, and remembers answers for a stated time."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final

from edge.upstreams.session import ForeignSession, Reference, Upstream

KEPT: Final = 10_000
"""Sessions whose answers a worker remembers, each of some 500 bytes."""

Answer = ForeignSession | None


class Remembered:
    """Asks `upstream`. A result of `look` counts for `seconds` from when it was asked; no failure is
    remembered, so a good answer from before goes on for its time. `clock` is monotonic seconds.

    To wait for a question that was asked earlier counts as remembering its answer.
    """

    def __init__(self, upstream: Upstream, seconds: float, clock: Callable[[], float]) -> None:
        self.way = upstream.way
        self.upstream = upstream
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Reference, tuple[float, Answer]] = OrderedDict()
        self._asked: dict[Hashable, tuple[float, asyncio.Task[Answer]]] = {}

    async def find(self, token: str, now: float) -> Answer:
        _, found = await self._once(token, self.upstream.find, token, now)
        return found

    async def look(self, reference: Reference, now: float) -> Answer:
        kept = self._kept.get(reference)
        if kept is not None and self._clock() - kept[0] < self._seconds:
            return kept[1]
        asked_at, found = await self._once(reference, self.upstream.look, reference, now)
        self._kept[reference] = (asked_at, found)
        self._kept.move_to_end(reference)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    async def describe(self, now: float) -> str:
        return await self.upstream.describe(now)

    async def close(self) -> None:
        await self.upstream.close()

    async def _once(
        self, name: Hashable, ask: Callable[..., Coroutine[Any, Any, Answer]], *arguments: Any
    ) -> tuple[float, Answer]:
        """The time of asking, and the answer."""
        asked = self._asked.get(name)
        if asked is None or self._clock() - asked[0] >= self._seconds:
            task = asyncio.create_task(ask(*arguments))
            asked = self._asked[name] = (self._clock(), task)
            task.add_done_callback(lambda one: self._answered(name, one))
        # A caller that leaves must not take the answer from the others.
        return asked[0], await asyncio.shield(asked[1])

    def _answered(self, name: Hashable, task: asyncio.Task[Answer]) -> None:
        asked = self._asked.get(name)
        if asked is not None and asked[1] is task:
            del self._asked[name]
        # Where all callers have left, none takes the exception.
        if not task.cancelled():
            task.exception()
