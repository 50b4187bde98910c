"""The replies of the scripts that judge a session, by name: one class for each script of lua/."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

LEASE_EXPIRED: Final = -1
"""The reply of lua/renew.lua for a lease that expired, in place of the session's `created_at`."""


class Session(NamedTuple):
    """The values of `living` in lua/session.lua. `created_at` is Redis ms; `upstream` is sealed, or empty."""

    created_at: bytes
    proved_by: bytes
    upstream: bytes


class Checked(NamedTuple):
    """The reply of lua/check.lua; `session` is None for a dead session."""

    session: Session | None = None
    is_replayed: int = 0

    @classmethod
    def of(cls, reply: Sequence[Any] | None) -> "Checked":
        if not reply:
            return cls()
        session, *rest = reply
        return cls(Session(*session), *rest)


class Admitted(NamedTuple):
    """The reply of lua/admit.lua: `reserved` has for each place what limits.Standing takes, none for a dead
    session and for a replayed proof, and `are_taken` is 1 when all of them were taken; `messages` are stored
    ones, the oldest first."""

    session: Session | None = None
    are_taken: int = 0
    reserved: Sequence[Sequence[Any]] = ()
    messages: Sequence[bytes] = ()

    @classmethod
    def of(cls, reply: Sequence[Any]) -> "Admitted":
        if not reply:
            return cls()
        session, *rest = reply
        return cls(Session(*session), *rest)
