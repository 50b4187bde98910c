"""DPoP proofs that were shown to the broker, in Redis."""

from edge.redis.client import Store, command
from tokens import liveness
from tokens.dpop import KEPT_MS


class RedisProofs:
    """`broker.oauth.proofs.ShownProofs`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, proof_id: str) -> bool:
        [reply] = await self._store.run(
            command("SET", liveness.shown_proof(proof_id), "1", "NX", "PX", KEPT_MS)
        )
        return reply is not None
