"""Counters in Redis, one key each; one flight asks for several."""

from collections.abc import Sequence
from typing import Final

from broker.limits import Allowance
from broker.storage.scripts import script
from edge.redis.client import Store

SPEND: Final = script("spend")


class RedisRates:
    """`broker.limits.Rates`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def look(self, allowances: Sequence[Allowance]) -> int | None:
        return await self._ask(allowances, cost=0)

    async def spend(self, allowances: Sequence[Allowance]) -> int | None:
        return await self._ask(allowances, cost=1)

    async def _ask(self, allowances: Sequence[Allowance], *, cost: int) -> int | None:
        replies = await self._store.run(
            *(SPEND.call([f"cg:rate:{one.name}"], cost, one.limit, one.window_ms) for one in allowances)
        )
        waits = [int(reply) for reply in replies if reply >= 0]
        return max(waits, default=None)
