"""Cuts in Redis: the time at or before which a session must not have been made, for all or for one site."""

from typing import Final

from broker.storage.scripts import script
from edge.store import Store
from tokens import liveness

CUT: Final = script("time", "cut_sessions")


class RedisCuts:
    """Each verb answers the cut (Redis ms), or None where Redis keeps no cuts and refuses everybody.

    Raises StoreUnavailable when Redis gave no sure answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def end_all(self) -> int | None:
        """Every session that was made until now is dead."""
        return await self._cut("all")

    async def end_client(self, client_id: str) -> int | None:
        """Every session that was made until now for this site is dead."""
        return await self._cut(f"client:{client_id}")

    async def _cut(self, field: str) -> int | None:
        [cut] = await self._store.commit(CUT.call([liveness.CUT], field, liveness.REVOKED_CHANNEL))
        return None if cut is None else int(cut)
