"""Asks the Redis that a Better Auth server uses as its `secondaryStorage`."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from edge.redis.client import Command, ScriptError, Store, StoreUnavailable, command
from edge.upstreams import session
from edge.upstreams.session import ForeignSession, Reference, UpstreamUnavailable

WAY: Final = "redis"
PARSED: Final = 2_000
"""Records that a worker keeps parsed, each of a kilobyte or two."""
MAX_PARSED: Final = 4_096
"""Bytes of a record that is kept so. Its user chooses the name and the picture, and may change them often."""
SCANS: Final = 100
SCANNED: Final = 1_000
"""Keys at which one `SCAN` looks, in about a millisecond."""
_GLOB: Final = re.compile(r"[*?\[\]\\^]")
# Valkey tells the version of Redis that it is compatible with too, after its own name.
_VERSIONS: Final = tuple(
    (name, re.compile(rf"^{name.lower()}_version:([\w.-]{{1,32}})".encode(), re.MULTILINE))
    for name in ("Valkey", "Redis")
)


class SharedRedis:
    """`prefix` begins every key that Better Auth writes. It only reads: a user of Redis who may GET is
    enough.

    A session that is missing there has ended for us, also where Better Auth would find it in its database
    (`storeSessionInDatabase`).
    """

    way = WAY

    def __init__(self, store: Store, prefix: str, *, owns: bool) -> None:
        """`owns`: no other part uses the store, so that `close` closes it."""
        self._store = store
        self._prefix = prefix
        self._parsed: OrderedDict[bytes, ForeignSession] = OrderedDict()
        self.owns = owns
        # In a Cluster the two keys may be at two servers, and the user of a Redis of theirs may GET alone.
        self._asks_together = not owns and not store.is_cluster

    async def find(self, token: str, now: float) -> ForeignSession | None:
        # The token becomes part of a key, so its form comes first: Better Auth itself answers 500 for the
        # name of another key of its own.
        if not session.TOKEN.fullmatch(token):
            return None
        [raw] = await self._run(command("GET", self._prefix + token))
        if raw is None:
            return None
        found = self._parse(raw, now)
        if found is None:
            return None
        [marker] = await self._run(command("GET", self._marker(found.user_id)))
        return found if await self._lives(found, token, marker, now) else None

    async def look(self, reference: Reference, now: float) -> ForeignSession | None:
        return await self.read(await self._run(*self.ask(reference)), reference, now)

    def ask(self, reference: Reference) -> Sequence[Command]:
        """The commands whose replies `read` reads; they may go with others of the same server."""
        names = self._prefix + reference.token, self._marker(reference.user_id)
        # An error is theirs: it must not count as a failure of the other commands' service.
        if self._asks_together:
            return [command("MGET", *names, may_fail=True)]
        return [command("GET", name, may_fail=True) for name in names]

    async def read(self, replies: Sequence[Any], reference: Reference, now: float) -> ForeignSession | None:
        """As `look`, by the replies to `ask`."""
        for reply in replies:
            if isinstance(reply, Exception):
                raise UpstreamUnavailable(type(reply).__name__)
        raw, marker = replies[0] if self._asks_together else replies
        found = None if raw is None else self._parse(raw, now)
        if found is None or found.reference(WAY) != reference:
            return None
        return found if await self._lives(found, reference.token, marker, now) else None

    async def describe(self, now: float) -> str:
        # No session has this name: the question is whether the key may be read.
        await self._run(
            *(command("GET", name) for name in (f"{self._prefix}{'0' * 32}", self._marker("nobody")))
        )
        return f"readable: {await self._version()}; {await self._clock(now)}; {await self._keys()}"

    async def close(self) -> None:
        if self.owns:
            await self._store.close()

    async def _version(self) -> str:
        try:
            [raw] = await self._store.run(command("INFO", "server"))
        except (StoreUnavailable, ScriptError):
            return "its version is not for this user"
        told = ((name, pattern.search(raw)) for name, pattern in _VERSIONS)
        return next((f"{name} {found[1].decode()}" for name, found in told if found), "of no known version")

    async def _clock(self, now: float) -> str:
        told = await self._time()
        return "its clock is not for this user" if told is None else session.apart(told, now)

    async def _keys(self) -> str:
        """Say whether the prefix is one that keys have."""
        if self._store.is_cluster:
            # Each of its servers has some of the keys.
            return "whether keys have key_prefix was not looked for"
        pattern = _GLOB.sub(r"\\\g<0>", self._prefix) + "*"
        cursor = 0
        for _ in range(SCANS):
            [reply] = await self._run(
                command("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED, may_fail=True)
            )
            if isinstance(reply, Exception):
                return "whether keys have key_prefix is not for this user"
            cursor, names = int(reply[0]), reply[1]
            if names:
                return f"keys begin with {self._prefix}"
            if cursor == 0:
                return (
                    f"no key begins with {self._prefix}: no reader is signed in, or key_prefix is another one"
                )
        return f"of {SCANS * SCANNED} keys none begins with {self._prefix}: is key_prefix another one?"

    def _parse(self, raw: bytes, now: float) -> ForeignSession | None:
        """As session.parse. The same bytes say the same, and a question's flight is short against parsing."""
        found = self._parsed.get(raw)
        if found is None:
            found = session.parse(raw, now)
            # A ban may run out while the record stays as it is.
            if found is not None and not found.is_banned and len(raw) <= MAX_PARSED:
                self._parsed[raw] = found
                if len(self._parsed) > PARSED:
                    self._parsed.popitem(last=False)
        return found

    async def _lives(self, found: ForeignSession, token: str, marker: bytes | None, now: float) -> bool:
        try:
            revoked_before = float(marker or 0)
        except ValueError:
            raise UpstreamUnavailable("a marker is not as Better Auth writes it") from None
        if found.token != token or found.created_at < revoked_before:
            return False
        expires_at = found.expires_at / 1000
        # Better Auth's key goes when its session ends, so one that is still there is worth a second clock.
        return expires_at > now or session.lives(expires_at, now, await self._time())

    async def _time(self) -> float | None:
        """Seconds since the epoch by the clock there; None for a user of Redis who may not ask."""
        [told] = await self._run(command("TIME", may_fail=True))
        if isinstance(told, Exception):
            return None
        seconds, microseconds = told
        return int(seconds) + int(microseconds) / 1_000_000

    def _marker(self, user_id: str) -> str:
        # Better Auth 1.7.16 and later: a sign-in that ran while all sessions were revoked may have left its
        # key, and this marker alone says that it is dead (its db/internal-adapter). 1.6 has none.
        return f"{self._prefix}revoked-sessions-before-{user_id}"

    async def _run(self, *commands: Command) -> list[Any]:
        try:
            return await self._store.run(*commands)
        except (StoreUnavailable, ScriptError) as error:
            raise UpstreamUnavailable(str(error)) from None
