"""Families of refresh tokens in Redis: members of their session's record, moved by one script."""

from typing import Final

from broker.refresh import GRACE_MS, Handle, Refused, Rotated
from broker.sessions import ABSOLUTE_LIFE_MS, LIFE_MS, parse
from broker.storage.redis import outlived, pairs
from broker.storage.scripts import script
from edge.store import Store, command
from tokens import liveness

ROTATE: Final = script("time", "rotate_refresh")


class RedisFamilies:
    """`broker.refresh.Families`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rotate(self, handle: Handle, client_id: str, jkt: str, scope: str | None) -> Rotated | Refused:
        sub, sid = handle.sub, handle.sid
        keys = [liveness.session(sub, sid), liveness.sessions(sub)]
        channel = (liveness.REVOKED_CHANNEL, f"{sub} {sid}")
        args = (
            client_id,
            handle.counter,
            jkt,
            GRACE_MS,
            LIFE_MS,
            ABSOLUTE_LIFE_MS,
            sid,
            *channel,
            scope or "",
        )
        cut, reply = await self._store.commit(command("HGETALL", liveness.CUT), ROTATE.call(keys, *args))
        verdict, *rest = reply
        if verdict != b"good":
            return Refused(verdict.decode())
        session = parse(sub, sid, pairs(rest[1:]))
        return Rotated(session, int(rest[0])) if outlived(session, pairs(cut)) else Refused.UNKNOWN
