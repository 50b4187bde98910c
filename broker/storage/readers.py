"""Deletes the data that the chat proxy keeps about a reader at each site, with the account."""

from collections.abc import Iterable
from typing import Final

from broker.storage.scripts import script
from edge.redis.client import Script, Store, command
from tokens import readers

FORGET: Final = script("forget_reader")
ERASE: Final = Script(readers.ERASE_FEEDBACK)
PAGE: Final = 100
"""Entries of feedback whose texts are erased in one flight."""


class RedisReaders:
    """`broker.accounts.Readers`."""

    def __init__(self, store: Store, client_ids: Iterable[str], tiers: Iterable[str]) -> None:
        self._store = store
        self._client_ids = tuple(client_ids)
        self._tiers = tuple(tiers)

    async def forget(self, sub: str) -> None:
        for client_id in self._client_ids:
            owner = readers.reader(sub, client_id)
            await self._erase(client_id, owner)
            names = [
                readers.conversations(owner),
                readers.rated(owner),
                readers.ratings(owner),
                *(readers.rate(owner, tier) for tier in self._tiers),
            ]
            await self._store.commit(FORGET.call(names, readers.conversation(owner, "")))

    async def _erase(self, client_id: str, owner: str) -> None:
        """Erase the texts that the site's operator has. The list of them is deleted only after that."""
        [found] = await self._store.run(command("ZRANGE", readers.rated(owner), 0, -1))
        entries = [readers.feedback_entry(client_id, one.decode()) for one in found]
        for start in range(0, len(entries), PAGE):
            page = entries[start : start + PAGE]
            await self._store.commit(ERASE.call(page, readers.FORGOTTEN_MS))
