"""Looks at the ring of signing keys, and whether a broker with this configuration can read it."""

from typing import Final

from broker.config import resolve
from broker.signing import record as ring
from broker.signing.keyring import KeyCipher, UnreadableKey
from broker.storage.key_ring import RedisKeyStore
from chatgate.environment import Environment
from chatgate.probes.result import WELL, Found
from chatgate.probes.upstream import NOT_STARTED
from chatgate.records import is_not_started, store_of
from edge.redis.client import StoreUnavailable

NO_KEYS: Final = "none yet; the first broker that runs makes them"


async def found(around: Environment) -> Found:
    """Read the ring, and change nothing."""
    if is_not_started(around):
        return Found(True, NOT_STARTED)
    cipher = KeyCipher(resolve(around.settings).secrets)
    try:
        async with store_of(around) as store:
            kept = ring.parse(await RedisKeyStore(store).read())
    except StoreUnavailable as error:
        return Found(False, f"cannot be read, as Redis does not answer ({error}).")
    if kept is None:
        return Found(True, NO_KEYS)
    try:
        # A broker is not ready while any key is unreadable, even one that no longer signs.
        for key in kept.keys:
            cipher.open(key.kid, key.sealed)
    except UnreadableKey as error:
        return Found(False, f"{error}.")
    return WELL
