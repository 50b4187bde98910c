"""Cuts in Redis: a session made at or before that time is dead, for all sites or for one."""

from typing import Final

from broker.storage.scripts import script
from edge.redis.client import Store
from tokens import liveness

CUT: Final = script("time", "cut_sessions")


class RedisCuts:
    """Each method returns the cut (Redis ms), or None where Redis has no cuts, and so every session is
    refused.

    Raises StoreUnavailable when Redis gave no sure answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def end_all(self) -> int | None:
        """End every session that was made until now."""
        return await self._cut("all")

    async def end_client(self, client_id: str) -> int | None:
        """End every session that was made until now for this site."""
        return await self._cut(f"client:{client_id}")

    async def _cut(self, field: str) -> int | None:
        [cut] = await self._store.commit(CUT.call([liveness.CUT], field, liveness.REVOKED_CHANNEL))
        return None if cut is None else int(cut)
