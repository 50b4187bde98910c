"""Families of refresh tokens in Redis: members of their session's record, moved by one script."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from broker.oauth.refresh import GRACE_MS, Handle, Refused, Rotated
from broker.sessions.session import ABSOLUTE_LIFE_MS, LIFE_MS, Session, parse
from broker.storage.redis import CUTS, outlived, pairs
from broker.storage.scripts import script
from edge.redis.client import Store
from tokens import liveness

ROTATE: Final = script("time", "read_family", "outlive", "rotate_refresh")
LOOK: Final = script("time", "read_family", "look_family")


class RedisFamilies:
    """`broker.oauth.refresh.Families`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rotate(self, handle: Handle, client_id: str, jkt: str, scope: str | None) -> Rotated | Refused:
        sub, sid = handle.sub, handle.sid
        keys = [liveness.session(sub, sid), liveness.sessions(sub)]
        channel = (liveness.REVOKED_CHANNEL, f"{sub} {sid}")
        args = (*_shown(handle, client_id, jkt), LIFE_MS, sid, *channel, scope or "")
        cut, reply = await self._store.commit(CUTS, ROTATE.call(keys, *args))
        return _judged(handle, cut, reply)

    async def look(self, handle: Handle, client_id: str, jkt: str) -> Session | Refused:
        keys = [liveness.session(handle.sub, handle.sid)]
        call = LOOK.call(keys, *_shown(handle, client_id, jkt))
        cut, reply = await self._store.run(CUTS, call)
        found = _judged(handle, cut, reply)
        return found.session if isinstance(found, Rotated) else found


def _shown(handle: Handle, client_id: str, jkt: str) -> tuple[str | int, ...]:
    return client_id, handle.counter, jkt, GRACE_MS, ABSOLUTE_LIFE_MS


def _judged(handle: Handle, cut: Mapping[bytes, bytes], reply: Sequence[Any]) -> Rotated | Refused:
    verdict, *rest = reply
    if verdict != b"good":
        return Refused(verdict.decode())
    session = parse(handle.sub, handle.sid, pairs(rest[1:]))
    return Rotated(session, int(rest[0])) if outlived(session, cut) else Refused.UNKNOWN
