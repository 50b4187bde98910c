"""The signing keys in Redis, and their ids beside the cuts for verifiers."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from broker.signing.record import PUBLISHED_BEFORE_USE_MS, RETIRING_MS, Offer, Tended, TooYoung
from broker.storage.redis import pairs
from broker.storage.scripts import script
from edge.redis.client import Store, command
from tokens import liveness

RING: Final = "cg:keys"
TEND: Final = script("time", "ring", "tend_ring")
ROTATE: Final = script("time", "ring", "rotate_ring")
RETIRE: Final = script("time", "ring", "retire_keys")
RESEAL: Final = script("time", "ring", "reseal_key")
PUBLISH: Final = script("publish_kids")


class RedisKeyStore:
    """`broker.signing.record.KeyStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tend(self, offer: Offer) -> Tended:
        times = (PUBLISHED_BEFORE_USE_MS, RETIRING_MS)
        seed = chain.from_iterable(offer.seed.items())
        declares = "1" if offer.declares else "0"
        call = TEND.call([RING], offer.algorithm, declares, offer.floor, *times, *offer.fresh, *seed)
        [(done, members)] = await self._store.commit(call)
        found = zip(done[::2], done[1::2], strict=True)
        return Tended(pairs(members), tuple((event.decode(), kid.decode()) for event, kid in found))

    async def read(self) -> Mapping[str, str]:
        [members] = await self._store.run(command("HGETALL", RING))
        return pairs(members)

    async def publish(self, version: int, kids: str) -> int:
        call = PUBLISH.call([liveness.CUT], version, kids, liveness.REVOKED_CHANNEL)
        [published] = await self._store.commit(call)
        return int(published)

    async def reseal(self, kid: str, old: str, new: str) -> bool:
        [done] = await self._store.commit(RESEAL.call([RING], kid, old, new))
        return bool(done)

    async def rotate(self, following: str, fresh: tuple[str, str]) -> bool | TooYoung:
        times = (PUBLISHED_BEFORE_USE_MS, RETIRING_MS)
        [wait] = await self._store.commit(ROTATE.call([RING], following, *times, *fresh))
        return TooYoung(int(wait)) if wait > 0 else bool(wait == 0)

    async def retire(self, kids: tuple[str, ...], fresh: tuple[tuple[str, str], tuple[str, str]]) -> bool:
        [gone] = await self._store.commit(RETIRE.call([RING], *fresh[0], *fresh[1], *kids))
        return bool(gone)
