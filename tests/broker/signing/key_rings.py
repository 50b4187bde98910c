"""The parts that tests of the key ring share: brokers' views of it, and the ring as Redis has it."""

import redis

from broker.signing import record as ring
from broker.signing.keyring import KeyCipher, Keys
from broker.signing.operations import KeyChanges
from broker.signing.record import PUBLISHED_BEFORE_USE_MS
from broker.storage.key_ring import RING, RedisKeyStore
from tests.broker.service import SECRET
from tokens import liveness

OLD, NEW = SECRET.encode(), b"another secret of at least 32 bytes"


def keys(store, *secrets, alg="ES256"):
    return Keys(RedisKeyStore(store), secrets or (OLD,), alg)


def changes(store, *secrets):
    return KeyChanges(RedisKeyStore(store), KeyCipher(secrets or (OLD,)))


class Server:
    """The ring as Redis has it."""

    def __init__(self, valkey):
        self.client = redis.Redis(unix_socket_path=valkey.socket, decode_responses=True)

    def ring(self):
        return ring.parse(self.client.hgetall(RING))

    def states(self):
        return [key.state for key in self.ring().keys]

    def published(self):
        return self.client.hget(liveness.CUT, "kids")

    def now(self):
        seconds, microseconds = self.client.time()
        return seconds * 1000 + microseconds // 1000

    def put(self, **fields):
        self.client.hset(RING, mapping=fields)

    def age_next(self, milliseconds=PUBLISHED_BEFORE_USE_MS):
        """As if the next key had been published for so long; its kid."""
        kid = self.ring().find("next").kid
        self.put(**{f"since:{kid}": self.now() - milliseconds})
        return kid

    def end_retiring(self):
        """As if the last token of each retiring key had died."""
        for key in self.ring().keys:
            if key.state == "retiring":
                self.put(**{f"until:{key.kid}": self.now()})
