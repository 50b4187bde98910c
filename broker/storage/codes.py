"""Authorization codes in Redis, under their user's tag and by their hash."""

import hashlib
from typing import Any, Final

from broker.oauth.codes import LIFE_MS, MARK_MS, Code, Spent, subject_of
from broker.sessions.session import Caller, Identity
from broker.storage.redis import pairs
from broker.storage.scripts import script
from edge.redis.client import Store
from tokens import liveness

ADD: Final = script("time", "add_code")
SPEND: Final = script("spend_code")


class RedisCodes:
    """`broker.oauth.codes.Codes`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, handle: str, code: Code) -> None:
        fields = {
            "client": code.client_id,
            "redirect_uri": code.redirect_uri,
            "challenge": code.challenge,
            "scope": code.scope,
            "jkt": code.jkt,
            "tier": code.identity.tier,
            "proved_by": code.identity.proved_by,
            "generation": code.identity.generation,
            "address": code.caller.address or "",
            "user_agent": code.caller.user_agent,
        }
        key = _key(code.identity.sub, handle)
        flat = [part for pair in fields.items() for part in pair]
        await self._store.commit(ADD.call([key], LIFE_MS, *flat))

    async def spend(self, handle: str, sid: str) -> Code | Spent | None:
        sub = subject_of(handle)
        if sub is None:
            return None
        [reply] = await self._store.commit(SPEND.call([_key(sub, handle)], sid, MARK_MS))
        return None if reply is None else _parsed(sub, reply)


def _key(sub: str, handle: str) -> str:
    return liveness.code(sub, hashlib.sha256(handle.encode()).hexdigest())


def _parsed(sub: str, reply: list[Any]) -> Code | Spent:
    found = pairs(reply)
    if "spent" in found:
        return Spent(found["spent"])
    return Code(
        client_id=found["client"],
        redirect_uri=found["redirect_uri"],
        challenge=found["challenge"],
        scope=found["scope"],
        jkt=found["jkt"],
        identity=Identity(sub, found["tier"], found["proved_by"], found["generation"]),
        caller=Caller(found["address"] or None, found["user_agent"]),
        made_at=int(found["made_at"]),
    )
