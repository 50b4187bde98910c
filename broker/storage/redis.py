"""Sessions in Redis. Each verb is one script, so no caller ever reads and then writes."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from edge.store import Script, Store, command
from tokens import liveness

LIFE_MS: Final = 604_800_000
SHORT_LIFE_MS: Final = 86_400_000
SLIDE_AFTER_MS: Final = 86_400_000
"""Better Auth's `expiresIn`, its day for `rememberMe: false`, and its `updateAge`."""
ABSOLUTE_LIFE_MS: Final = 2_592_000_000
"""30 days from its creation, past which no session is slid."""


def _script(name: str) -> Script:
    return Script(files("broker.storage").joinpath("lua", f"{name}.lua").read_text())


CREATE: Final = _script("create_session")
LOAD: Final = _script("load_session")
REVOKE: Final = _script("revoke_session")
REVOKE_MANY: Final = _script("revoke_sessions")


class RedisSessions:
    """Keeps session records. Every verb raises StoreUnavailable when Redis gave no sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def generation(self, sub: str) -> str:
        """Read before a proof is checked, and handed to `create` after it."""
        [reply] = await self._store.run(command("GET", liveness.generation(sub)))
        return "0" if reply is None else reply.decode()

    async def create(
        self, sub: str, sid: str, generation: str, record: Mapping[str, str], *, cap: int
    ) -> int | None:
        """The time of creation (Redis ms), or None when all sessions were revoked since `generation`.

        `record` holds at least `token_hash` and `remember` ("1" or "0"). Beyond `cap` the oldest goes.
        """
        life = LIFE_MS if record["remember"] == "1" else SHORT_LIFE_MS
        # The pointer goes first: one that leads nowhere opens nothing, a session without one is lost.
        pointer = liveness.session_pointer(record["token_hash"])
        await self._store.run(command("SET", pointer, f"{sub}:{sid}", "PX", ABSOLUTE_LIFE_MS))
        keys = [liveness.session(sub, sid), liveness.sessions(sub), liveness.generation(sub)]
        fields = [part for pair in record.items() for part in pair]
        args = (sid, generation, cap, life, ABSOLUTE_LIFE_MS, liveness.REVOKED_CHANNEL, sub)
        [created] = await self._store.run(CREATE.call(keys, *args, *fields))
        return None if created is None else int(created)

    async def find(self, hashed_token: str) -> tuple[str, str] | None:
        """`(sub, sid)` that a token's hash points to; whether that session lives is `load`'s to say."""
        [reply] = await self._store.run(command("GET", liveness.session_pointer(hashed_token)))
        if reply is None:
            return None
        sub, _, sid = reply.decode().partition(":")
        return sub, sid

    async def load(self, sub: str, sid: str, hashed_token: str, *, slide: bool) -> dict[str, str] | None:
        """The living record, its life slid when due; None when it is gone or another token's."""
        args = (hashed_token, "1" if slide else "0", LIFE_MS, SLIDE_AFTER_MS, ABSOLUTE_LIFE_MS)
        [reply] = await self._store.run(LOAD.call([liveness.session(sub, sid)], *args))
        if reply is None:
            return None
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return {name.decode(): value.decode() for name, value in pairs}

    async def revoke(self, sub: str, sid: str) -> bool:
        """End one session; False when it was not alive."""
        keys = [liveness.session(sub, sid), liveness.sessions(sub)]
        [ended] = await self._store.run(REVOKE.call(keys, sid, liveness.REVOKED_CHANNEL, f"{sub} {sid}"))
        return bool(ended)

    async def revoke_all(self, sub: str, *, keep: str = "") -> int:
        """End all sessions of a user but `keep`, sign-ins under way included; how many were alive."""
        keys = [liveness.sessions(sub), liveness.generation(sub)]
        args = (liveness.session(sub, ""), keep, liveness.REVOKED_CHANNEL, sub)
        [ended] = await self._store.run(REVOKE_MANY.call(keys, *args))
        return int(ended)
