"""A session of a Better Auth server, and what chatgate keeps of it to ask about it again."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from edge.unavailable import Unavailable

TOKEN: Final = re.compile(r"[A-Za-z0-9]{32}")
"""A raw session token of Better Auth (`generateId(32)`). Other text becomes no part of a key or a query."""
MAX_RECORD: Final = 65_536
"""Bytes of a session with its user, as Better Auth stores or sends them; plugins add members of their own."""
CLOCKS_APART: Final = 5
"""Seconds by which two clocks may differ unnoticed. NTP keeps them within one, and HTTP tells whole ones."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
"""A row's id: 32 letters and digits, a UUID or a number, as `advanced.database.generateId` says."""


class UpstreamUnavailable(Unavailable):
    """The Better Auth server, or its storage, gave no sure answer. The text says why and holds no secret."""


class ClocksApart(UpstreamUnavailable):
    """Our clock and theirs differ, and whether a session has ended depends on which is right."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Names a foreign session. `token` is its credential, empty where the way to ask needs none."""

    way: str
    user_id: str
    session_id: str
    token: str

    def to_bytes(self) -> bytes:
        return orjson.dumps([self.way, self.user_id, self.session_id, self.token])

    @classmethod
    def of(cls, raw: bytes) -> "Reference":
        """The inverse of `to_bytes`."""
        way, user_id, session_id, token = orjson.loads(raw)
        return cls(way, user_id, session_id, token)


@dataclass(frozen=True, slots=True)
class ForeignSession:
    """A session and its user. Times are ms since the epoch.

    The other members that Better Auth and its plugins store are ignored knowingly: name, e-mail and picture
    stay there, `activeOrganizationId` and `activeTeamId` change nothing here, and a session with
    `impersonatedBy` is one of the user whom it shows.
    """

    id: str
    token: str
    user_id: str
    created_at: int
    expires_at: int
    email_verified: bool
    is_anonymous: bool
    is_banned: bool

    def reference(self, way: str) -> Reference:
        return Reference(way, self.user_id, self.id, self.token)


class Upstream(Protocol):
    """One way to ask. Every method raises UpstreamUnavailable without a sure answer, and is bounded in
    time."""

    way: str

    async def find(self, token: str, now: float) -> ForeignSession | None:
        """The living session of a raw token, by `now` in seconds since the epoch; None when there is none."""

    async def look(self, reference: Reference, now: float) -> ForeignSession | None:
        """As `find`, for a session that was found before."""

    async def describe(self, now: float) -> str:
        """Describe the server for an operator: its version where it tells one, the tables and columns that
        are read, and how far its clock is from ours."""

    async def close(self) -> None: ...


def apart(theirs: float, now: float) -> str:
    """The difference of two clocks in words; both in seconds since the epoch."""
    return f"its clock is {abs(theirs - now):.0f} s {'ahead' if theirs > now else 'behind'}"


def apart_by(date: str | None, now: float) -> str:
    """As `apart`, by the `Date` of an HTTP answer."""
    theirs = time_of(date)
    return "it does not tell the time" if theirs is None else apart(theirs, now)


def time_of(date: str | None) -> float | None:
    """Seconds since the epoch of a `Date` of HTTP; None where there is no good one."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None


def lives(expires_at: float, now: float, theirs: float | None) -> bool:
    """Return True if what ends at `expires_at` lives. All are seconds since the epoch, by our clock and by
    theirs, which is None where it is not told. Raises ClocksApart where the two answer differently."""
    is_living = expires_at > now
    if theirs is None or abs(theirs - now) <= CLOCKS_APART:
        return is_living
    if is_living is not (expires_at > theirs):
        raise ClocksApart(apart(theirs, now))
    return is_living


def parse(raw: bytes, now: float) -> ForeignSession | None:
    """Read `{"session": {...}, "user": {...}}` as Better Auth writes it; None when there is no user.

    `now`, in seconds since the epoch, decides whether a ban has run out. Raises UpstreamUnavailable for
    anything else: a schema that is not the one we know proves nothing.
    """
    if len(raw) > MAX_RECORD:
        raise UpstreamUnavailable("a session's record is too large")
    try:
        record = orjson.loads(raw)
        session, user = record["session"], record["user"]
        return None if user is None else of_rows(session, user, now)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UpstreamUnavailable("a session's record is not as Better Auth writes it") from None


def of_rows(session: dict[str, Any], user: dict[str, Any], now: float) -> ForeignSession:
    """As `parse`, from the two rows by Better Auth's own names. Raises KeyError, TypeError and ValueError."""
    found = ForeignSession(
        # A session has no id where there is no database of sessions and `generateId` is false.
        id=_id(session.get("id") or hashlib.sha256(session["token"].encode()).hexdigest()),
        token=_token(session["token"]),
        user_id=_id(session["userId"]),
        created_at=_milliseconds(session["createdAt"]),
        expires_at=_milliseconds(session["expiresAt"]),
        email_verified=_flag(user["emailVerified"]),
        is_anonymous=_flag(user.get("isAnonymous")),
        is_banned=_is_banned(user, now),
    )
    if _id(user["id"]) != found.user_id:
        raise ValueError("the user is another session's")
    return found


def _is_banned(user: dict[str, Any], now: float) -> bool:
    if not _flag(user.get("banned")):
        return False
    until = user.get("banExpires")
    # Better Auth's admin plugin lifts a ban when its time is over, at the next sign-in.
    return until is None or _milliseconds(until) > now * 1000


def _id(value: Any) -> str:
    text = str(value) if type(value) is int or isinstance(value, UUID) else value
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise ValueError("an id has a form that Better Auth never makes")
    return text


def _token(value: Any) -> str:
    if not TOKEN.fullmatch(value):
        raise ValueError("a token has a form that Better Auth never makes")
    return str(value)


def _flag(value: Any) -> bool:
    # SQLite keeps a boolean as 0 or 1, and columns that a plugin added later are null.
    if value not in (None, True, False, 0, 1):
        raise ValueError("a flag is no boolean")
    return bool(value)


def _milliseconds(value: Any) -> int:
    """Milliseconds of an ISO 8601 text, a datetime, or a number of ms or s, as adapters store times."""
    if type(value) in (int, float):
        # SQLite has no type for times. As seconds the limit is the year 5138, as ms the March of 1973.
        return int(value if value > 1e11 else value * 1000)
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
