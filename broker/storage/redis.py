"""Sessions in Redis. Each change of a session is one script, so that no caller reads and then writes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from broker.sessions.session import ABSOLUTE_LIFE_MS, LIFE_MS, SHORT_LIFE_MS, SLIDE_AFTER_MS, Session, parse
from broker.storage.scripts import script
from edge.redis.client import Command, Store, StoreUnavailable, command
from tokens import liveness, session_rules
from tokens.claims import AccessClaims
from tokens.errors import CutsMissing

CREATE: Final = script("time", "generation", "outlive", "create_session")
LOAD: Final = script("time", "outlive", "load_session")
LIST: Final = script("list_sessions")
CUTS: Final = command("HGETALL", liveness.CUT)
VOIDED_MS: Final = 600_000
"""The time for which a session that must not be made is remembered; the call that would make it has only a
flight's time."""
REVOKE: Final = script("revoke_session")
REVOKE_MANY: Final = script("time", "generation", "revoke_sessions")
SIGN_OUT: Final = script("time", "sign_out")
RAISE: Final = script("time", "generation", "raise_generation")
POINTERS: Final = 10_000
"""Pointers kept in process. A pointer never changes while it lives, and the record's own hash is compared."""


class RedisSessions:
    """Implements `broker.sessions.session.Sessions`. Every method raises StoreUnavailable when Redis gave no
    sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pointers: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def ready(self) -> None:
        await self._store.run(command("SET", liveness.WRITABLE, "1", "PX", liveness.WRITABLE_MS))

    async def generation(self, sub: str, client: str) -> str:
        # In the form of lua/generation.lua, which compares it.
        fields = ("all", f"client:{client}")
        [held] = await self._store.run(command("HMGET", liveness.generation(sub), *fields))
        return " ".join("0" if one is None else one.decode() for one in held)

    async def create(
        self,
        sub: str,
        sid: str,
        generation: str,
        record: Mapping[str, str],
        *,
        cap: int,
        proved_at: int | None = None,
        life: int | None = None,
    ) -> int | None:
        """`record` holds at least `client` and `remember` ("1" or "0")."""
        if life is None:
            life = LIFE_MS if record["remember"] == "1" else SHORT_LIFE_MS
        if "token_hash" in record:
            # The pointer goes first: alone it opens nothing, but a session without one is unreachable.
            pointer = liveness.session_pointer(record["token_hash"])
            await self._store.run(command("SET", pointer, f"{sub}:{sid}", "PX", life))
        keys = creation_keys(sub, sid)
        fields = [part for pair in record.items() for part in pair]
        made_at = "" if proved_at is None else proved_at
        args = (sid, generation, record["client"], cap, life)
        creation = CREATE.call(keys, *args, liveness.REVOKED_CHANNEL, sub, made_at, *fields)
        [reply] = await self._store.commit(creation)
        if reply is None:
            await self._drop(record.get("token_hash", ""))
            return None
        created, *ended = reply
        await self._drop(*map(bytes.decode, ended))
        return int(created)

    async def void(self, sub: str, sid: str) -> None:
        await self._store.commit(command("SET", liveness.voided(sub, sid), "1", "PX", VOIDED_MS))

    async def by_token(self, token: str, *, slide: bool) -> Session | None:
        hashed = liveness.token_hash(token)
        found = await self.find(hashed)
        if found is None:
            return None
        sub, sid = found
        # The cuts come in the same flight, so that a session older than one is never taken for living.
        cut, record = await self._store.run(CUTS, _load(sub, sid, hashed, slide=slide))
        session = None if record is None else parse(sub, sid, pairs(record))
        if session is None or not outlived(session, cut):
            return None
        if session.slid:
            # The pointer lives as long as the session. A failure here is repaired by the next slide, days
            # before the end.
            pointer = liveness.session_pointer(hashed)
            with suppress(StoreUnavailable):
                await self._store.run(command("PEXPIREAT", pointer, session.expires_at))
        return session

    async def by_id(self, sub: str, sid: str) -> Session | None:
        cut, record = await self._store.run(CUTS, command("HGETALL", liveness.session(sub, sid)))
        return _living(sub, sid, record, cut)

    async def of(self, claims: AccessClaims, kid: str) -> Session | None:
        revoked = {claims.jti, liveness.root_of(claims.jti)}
        cut, record, is_revoked = await self._store.run(
            CUTS,
            command("HGETALL", liveness.session(claims.sub, claims.sid)),
            command("EXISTS", *(liveness.revoked_token(claims.sub, one) for one in revoked)),
        )
        session = _living(claims.sub, claims.sid, record, cut)
        if session is None or is_revoked or kid.encode() not in cut.get(b"kids", b"").split(b","):
            return None
        is_same = (session.client, session.tier) == (claims.client_id, claims.tier)
        return session if is_same else None

    async def by_user(self, sub: str, *, client: str = "") -> list[Session]:
        cut, replies = await self._store.run(
            CUTS,
            LIST.call([liveness.sessions(sub)], liveness.session(sub, "")),
        )
        sids, records = replies[::2], replies[1::2]
        found = [parse(sub, sid.decode(), pairs(record)) for sid, record in zip(sids, records, strict=True)]
        return [one for one in found if client in ("", one.client) and outlived(one, cut)]

    async def find(self, hashed_token: str) -> tuple[str, str] | None:
        """`(sub, sid)` that a token's hash points to; only the record shows whether that session lives."""
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

    async def revoke(self, sub: str, sid: str, *, client: str = "") -> bool:
        keys = [liveness.session(sub, sid), liveness.sessions(sub)]
        call = REVOKE.call(keys, sid, liveness.REVOKED_CHANNEL, f"{sub} {sid}", client)
        [[ended, *hashes]] = await self._store.commit(call)
        await self._drop(*map(bytes.decode, hashes))
        return bool(ended)

    async def revoke_named(self, token: str) -> None:
        hashed = liveness.token_hash(token)
        found = await self.find(hashed)
        if found is not None:
            await self.revoke(*found)
            # Also if an earlier attempt has ended the session.
            await self._drop(hashed)

    async def revoke_all(self, sub: str, *, client: str = "", keep: str = "") -> int:
        keys = [liveness.sessions(sub), liveness.generation(sub)]
        args = (liveness.session(sub, ""), keep, liveness.REVOKED_CHANNEL, sub, client)
        [[ended, *hashes]] = await self._store.commit(REVOKE_MANY.call(keys, *args))
        await self._drop(*map(bytes.decode, hashes))
        return int(ended)

    async def _drop(self, *hashed_tokens: str) -> None:
        """Delete the pointers of sessions whose end is acknowledged. A pointer that is left leads nowhere,
        and expires when its session would have."""
        hashes = [one for one in hashed_tokens if one]
        if not hashes:
            return
        for one in hashes:
            self._pointers.pop(one, None)
        with suppress(StoreUnavailable):
            await self._store.run(*(command("DEL", liveness.session_pointer(one)) for one in hashes))

    async def sign_out_there(self, sub: str) -> None:
        await self._store.commit(SIGN_OUT.call([liveness.signed_out(sub)], LIFE_MS))

    async def signed_out_there(self, sub: str) -> int:
        [at] = await self._store.run(command("GET", liveness.signed_out(sub)))
        return int(at or 0)

    async def raise_generation(self, sub: str, client: str, generation: str) -> str | None:
        [raised] = await self._store.commit(RAISE.call([liveness.generation(sub)], client, generation))
        return None if raised is None else raised.decode()

    async def revoke_token(self, sub: str, jti: str, seconds: int) -> None:
        key = liveness.revoked_token(sub, jti)
        message = f"{sub} {liveness.BY_JTI}{jti}"
        await self._store.commit(
            command("SET", key, "1", "EX", max(1, seconds)),
            command("PUBLISH", liveness.REVOKED_CHANNEL, message),
        )


def creation_keys(sub: str, sid: str) -> list[str]:
    """The keys of lua/create_session.lua."""
    return [
        liveness.session(sub, sid),
        liveness.sessions(sub),
        liveness.generation(sub),
        liveness.voided(sub, sid),
    ]


def _load(sub: str, sid: str, hashed_token: str, *, slide: bool) -> Command:
    args = (hashed_token, "1" if slide else "0", LIFE_MS, SLIDE_AFTER_MS, ABSOLUTE_LIFE_MS)
    return LOAD.call([liveness.session(sub, sid), liveness.sessions(sub)], *args)


def pairs(reply: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash's fields and values as text."""
    # RESP3 answers HGETALL with a map and a script's table with a list.
    parts = chain.from_iterable(reply.items()) if isinstance(reply, Mapping) else reply
    # `zip` takes from one iterator a name and then its value.
    text = map(bytes.decode, parts)
    return dict(zip(text, text, strict=True))


def _living(sub: str, sid: str, record: Mapping[bytes, bytes], cuts: Mapping[bytes, bytes]) -> Session | None:
    session = parse(sub, sid, pairs(record)) if record else None
    return session if session is not None and outlived(session, cuts) else None


def outlived(session: Session, cuts: Mapping[bytes, bytes]) -> bool:
    """As the rule of tokens.session_rules, for the reply to CUTS. Raises StoreUnavailable when Redis has lost
    the cuts."""
    try:
        of_client = cuts.get(b"client:" + session.client.encode())
        return session_rules.outlived(session.created_at, cuts.get(b"all"), of_client)
    except CutsMissing:
        raise StoreUnavailable("the cuts are missing") from None
