"""The parts that tests of the key ring share: brokers' views of it, and the ring as Redis has it."""

from collections.abc import Iterable, Mapping
from typing import Any

import redis

from broker.signing import record as ring
from broker.signing.keyring import KeyCipher, Keys, Ring
from broker.signing.operations import KeyChanges
from broker.signing.record import PUBLISHED_BEFORE_USE_MS
from broker.storage.key_ring import RING, RedisKeyStore
from edge.redis.client import Store
from tests.broker.service import SECRET
from tests.valkey import Valkey
from tokens import liveness

OLD, NEW = SECRET.encode(), b"another secret of at least 32 bytes"


def keys(store: Store, *secrets: bytes, alg: Any = "ES256") -> Keys:
    return Keys(RedisKeyStore(store), secrets or (OLD,), alg)


def changes(store: Store, *secrets: bytes) -> KeyChanges:
    return KeyChanges(RedisKeyStore(store), KeyCipher(secrets or (OLD,)))


def kids(ring: Ring) -> list[str]:
    return [key["kid"] for key in ring.published]


def audited(lines: Iterable[Mapping[str, Any]]) -> list[tuple[str, str | None]]:
    """The event and the key's id of each line of the audit."""
    return [(one["event"], one.get("kid")) for one in lines if one.get("audit")]


class Server:
    """The ring as Redis has it."""

    def __init__(self, valkey: Valkey) -> None:
        self.client: Any = redis.Redis(unix_socket_path=valkey.socket, decode_responses=True)

    def ring(self) -> ring.SealedRing:
        found = ring.parse(self.client.hgetall(RING))
        assert found is not None
        return found

    def states(self) -> list[str]:
        return [key.state for key in self.ring().keys]

    def published(self) -> Any:
        return self.client.hget(liveness.CUT, "kids")

    def now(self) -> int:
        seconds, microseconds = self.client.time()
        return seconds * 1000 + microseconds // 1000

    def put(self, **fields: Any) -> None:
        self.client.hset(RING, mapping=fields)

    def age_next(self, milliseconds: int = PUBLISHED_BEFORE_USE_MS) -> str:
        """As if the next key had been published for so long; its kid."""
        following = self.ring().find("next")
        assert following is not None
        kid = following.kid
        self.put(**{f"since:{kid}": self.now() - milliseconds})
        return kid

    def end_retiring(self) -> None:
        """As if the last token of each retiring key had died."""
        for key in self.ring().keys:
            if key.state == "retiring":
                self.put(**{f"until:{key.kid}": self.now()})
