"""Sessions in Redis. Each verb is one script, so no caller ever reads and then writes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from broker.sessions import (
    ABSOLUTE_LIFE_MS,
    LIFE_MS,
    SHORT_LIFE_MS,
    SLIDE_AFTER_MS,
    Session,
    parse,
)
from broker.storage.scripts import script
from edge.store import Command, Store, StoreUnavailable, command
from tokens import liveness
from tokens.claims import AccessClaims

CREATE: Final = script("time", "create_session")
LOAD: Final = script("time", "load_session")
LIST: Final = script("list_sessions")
VOIDED_MS: Final = 600_000
"""How long a session that must not be made is remembered; whoever would make it has a flight's time."""
REVOKE: Final = script("revoke_session")
REVOKE_MANY: Final = script("time", "revoke_sessions")
RAISE: Final = script("time", "raise_generation")
POINTERS: Final = 10_000
"""Pointers kept in process. One never changes while it lives, and the record's own hash is compared."""


class RedisSessions:
    """`broker.sessions.Sessions`: every verb raises StoreUnavailable when Redis gave no sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pointers: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def ready(self) -> None:
        await self._store.run(command("SET", liveness.WRITABLE, "1", "PX", liveness.WRITABLE_MS))

    async def generation(self, sub: str) -> str:
        [reply] = await self._store.run(command("GET", liveness.generation(sub)))
        return "0" if reply is None else reply.decode()

    async def create(
        self,
        sub: str,
        sid: str,
        generation: str,
        record: Mapping[str, str],
        *,
        cap: int,
        proved_at: int | None = None,
    ) -> int | None:
        """`record` holds at least `remember` ("1" or "0"). Beyond `cap` the oldest goes."""
        life = LIFE_MS if record["remember"] == "1" else SHORT_LIFE_MS
        if "token_hash" in record:
            # The pointer goes first: one that leads nowhere opens nothing, a session without one is lost.
            pointer = liveness.session_pointer(record["token_hash"])
            await self._store.run(command("SET", pointer, f"{sub}:{sid}", "PX", ABSOLUTE_LIFE_MS))
        keys = [
            liveness.session(sub, sid),
            liveness.sessions(sub),
            liveness.generation(sub),
            liveness.voided(sub, sid),
        ]
        fields = [part for pair in record.items() for part in pair]
        made_at = "" if proved_at is None else proved_at
        args = (sid, generation, cap, life, ABSOLUTE_LIFE_MS, liveness.REVOKED_CHANNEL, sub, made_at)
        [created] = await self._store.commit(CREATE.call(keys, *args, *fields))
        return None if created is None else int(created)

    async def void(self, sub: str, sid: str) -> None:
        await self._store.commit(command("SET", liveness.voided(sub, sid), "1", "PX", VOIDED_MS))

    async def by_token(self, token: str, *, slide: bool) -> Session | None:
        hashed = liveness.token_hash(token)
        found = await self.find(hashed)
        if found is None:
            return None
        sub, sid = found
        # The cuts come in the same flight, so that a session made before one is never taken for living.
        cut, record = await self._store.run(
            command("HGETALL", liveness.CUT), _load(sub, sid, hashed, slide=slide)
        )
        session = None if record is None else parse(sub, sid, pairs(record))
        return session if session is not None and outlived(session, pairs(cut)) else None

    async def by_id(self, sub: str, sid: str) -> Session | None:
        cut, record = await self._store.run(
            command("HGETALL", liveness.CUT), command("HGETALL", liveness.session(sub, sid))
        )
        return _living(sub, sid, record, pairs(cut))

    async def of(self, claims: AccessClaims, kid: str) -> Session | None:
        revoked = {claims.jti, liveness.root_of(claims.jti)}
        cut, record, is_revoked = await self._store.run(
            command("HGETALL", liveness.CUT),
            command("HGETALL", liveness.session(claims.sub, claims.sid)),
            command("EXISTS", *(liveness.revoked_token(claims.sub, one) for one in revoked)),
        )
        cuts = pairs(cut)
        session = _living(claims.sub, claims.sid, record, cuts)
        if session is None or is_revoked or kid not in cuts.get("kids", "").split(","):
            return None
        is_same = (session.client, session.tier) == (claims.client_id, claims.tier)
        return session if is_same else None

    async def by_user(self, sub: str) -> list[Session]:
        cut, replies = await self._store.run(
            command("HGETALL", liveness.CUT),
            LIST.call([liveness.sessions(sub)], liveness.session(sub, "")),
        )
        cuts = pairs(cut)
        sids, records = replies[::2], replies[1::2]
        found = [parse(sub, sid.decode(), pairs(record)) for sid, record in zip(sids, records, strict=True)]
        return [session for session in found if outlived(session, cuts)]

    async def find(self, hashed_token: str) -> tuple[str, str] | None:
        """`(sub, sid)` that a token's hash points to; whether that session lives is the record's to say."""
        known = self._pointers.get(hashed_token)
        if known is not None:
            self._pointers.move_to_end(hashed_token)
            return known
        [reply] = await self._store.run(command("GET", liveness.session_pointer(hashed_token)))
        if reply is None:
            return None
        sub, _, sid = reply.decode().partition(":")
        self._pointers[hashed_token] = sub, sid
        if len(self._pointers) > POINTERS:
            self._pointers.popitem(last=False)
        return sub, sid

    async def revoke(self, sub: str, sid: str) -> bool:
        keys = [liveness.session(sub, sid), liveness.sessions(sub)]
        call = REVOKE.call(keys, sid, liveness.REVOKED_CHANNEL, f"{sub} {sid}")
        [ended] = await self._store.commit(call)
        return bool(ended)

    async def revoke_named(self, token: str) -> None:
        found = await self.find(liveness.token_hash(token))
        if found is not None:
            await self.revoke(*found)

    async def revoke_all(self, sub: str, *, keep: str = "") -> int:
        keys = [liveness.sessions(sub), liveness.generation(sub)]
        args = (liveness.session(sub, ""), keep, liveness.REVOKED_CHANNEL, sub)
        [ended] = await self._store.commit(REVOKE_MANY.call(keys, *args))
        return int(ended)

    async def raise_generation(self, sub: str, generation: str) -> str | None:
        [raised] = await self._store.commit(RAISE.call([liveness.generation(sub)], generation))
        return None if raised is None else raised.decode()

    async def revoke_token(self, sub: str, jti: str, seconds: int) -> None:
        key = liveness.revoked_token(sub, jti)
        message = f"{sub} {liveness.BY_JTI}{jti}"
        await self._store.commit(
            command("SET", key, "1", "EX", max(1, seconds)),
            command("PUBLISH", liveness.REVOKED_CHANNEL, message),
        )


def _load(sub: str, sid: str, hashed_token: str, *, slide: bool) -> Command:
    args = (hashed_token, "1" if slide else "0", LIFE_MS, SLIDE_AFTER_MS, ABSOLUTE_LIFE_MS)
    return LOAD.call([liveness.session(sub, sid)], *args)


def pairs(reply: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash's fields and values as text."""
    # RESP3 answers HGETALL with a map and a script's table with a list.
    pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
    return {name.decode(): value.decode() for name, value in pairs}


def _living(sub: str, sid: str, record: Mapping[bytes, bytes], cuts: Mapping[str, str]) -> Session | None:
    session = parse(sub, sid, pairs(record)) if record else None
    return session if session is not None and outlived(session, cuts) else None


def outlived(session: Session, cuts: Mapping[str, str]) -> bool:
    """Made after every cut that is for it; one of the same millisecond is dead."""
    if "all" not in cuts:
        raise StoreUnavailable("the cuts are missing")
    return session.created_at > max(int(cuts["all"]), int(cuts.get(f"client:{session.client}", "0")))
