"""The signing keys in Redis, and their names beside the cuts for whoever verifies."""

from collections.abc import Mapping
from typing import Final

from broker.storage.scripts import script
from edge.store import Store
from tokens import liveness

RING: Final = "cg:keys"
ENSURE: Final = script("ensure_key")
PUBLISH: Final = script("publish_kids")


class RedisKeyStore:
    """`broker.keys.KeyStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ensure(self, kid: str, alg: str, sealed: str) -> Mapping[str, str]:
        [reply] = await self._store.commit(ENSURE.call([RING], kid, alg, sealed))
        names, values = reply[::2], reply[1::2]
        return {name.decode(): value.decode() for name, value in zip(names, values, strict=True)}

    async def publish(self, version: int, kids: str) -> None:
        await self._store.commit(PUBLISH.call([liveness.CUT], version, kids))
