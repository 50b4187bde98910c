"""The session record, what its store promises, and how one is opened."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from broker.accounts import new_id
from broker.clients import Client
from tokens import liveness
from tokens.claims import SCOPES, AccessClaims

LIFE_MS: Final = 604_800_000
SHORT_LIFE_MS: Final = 86_400_000
SLIDE_AFTER_MS: Final = 86_400_000
"""Better Auth's `expiresIn`, its day for `rememberMe: false`, and its `updateAge`."""
ABSOLUTE_LIFE_MS: Final = 2_592_000_000
"""30 days from its creation, past which no session is slid."""
FRESH_MS: Final = 86_400_000
"""Better Auth's `freshAge`: a session this young may list the others, or delete the account unasked."""
MAX_SESSIONS: Final = 50
MAX_GUEST_SESSIONS: Final = 1
MAX_USER_AGENT: Final = 256
SID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
"""What `new_sid` makes."""
ALL_SCOPES: Final = " ".join(SCOPES)
PASSWORD: Final = "password"  # noqa: S105  a way of proving, not a secret
ANONYMOUS: Final = "anonymous"


@dataclass(frozen=True, slots=True)
class Session:
    """A living session. Times are Redis milliseconds; `id` is the `sid` of tokens, and no credential.

    `scope`: what its tokens may be for. `jkt`: the key that its refresh tokens are bound to, or empty.
    `slid`: this very look made its life longer, so its cookie's should follow.
    """

    id: str
    sub: str
    client: str
    tier: str
    proved_by: str
    created_at: int
    updated_at: int
    expires_at: int
    remember: bool
    ip_address: str
    user_agent: str
    scope: str
    jkt: str
    slid: bool = False

    @property
    def is_guest(self) -> bool:
        return self.proved_by == ANONYMOUS

    def is_fresh(self, now_ms: float) -> bool:
        return now_ms - self.created_at < FRESH_MS


def parse(sub: str, sid: str, record: Mapping[str, str]) -> Session:
    return Session(
        id=sid,
        sub=sub,
        client=record["client"],
        tier=record["tier"],
        proved_by=record["proved_by"],
        created_at=int(record["created_at"]),
        updated_at=int(record["updated_at"]),
        expires_at=int(record["expires_at"]),
        remember=record["remember"] == "1",
        ip_address=record["ip_address"],
        user_agent=record["user_agent"],
        scope=record.get("scope", ALL_SCOPES),
        jkt=record.get("jkt", ""),
        slid="slid" in record,
    )


class Sessions(Protocol):
    """Every verb raises StoreUnavailable when Redis gave no sure answer, and 2xx may not follow that."""

    async def ready(self) -> None:
        """Raises StoreUnavailable too where no session could be made."""

    async def generation(self, sub: str) -> str:
        """Read before a proof is looked up, and handed to `create` after it."""

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
        """The time of creation (ms), or None when all sessions were revoked since `generation`, or this one
        before it was made. What was proved a while ago was created then: a cut in between passes it."""

    async def void(self, sub: str, sid: str) -> None:
        """A session that is not made yet never will be."""

    async def by_token(self, token: str, *, slide: bool) -> Session | None:
        """The living session that no cut has passed; its life is slid when `slide` and when due."""

    async def by_id(self, sub: str, sid: str) -> Session | None:
        """As `by_token`, never slid."""

    async def of(self, claims: AccessClaims, kid: str) -> Session | None:
        """The session of a verified access token; None too when the token was revoked on its own, when it is
        of another client or tier by now, or when the key `kid` that signed it may not verify any more."""

    async def by_user(self, sub: str) -> list[Session]:
        """The user's living sessions, the oldest first."""

    async def revoke(self, sub: str, sid: str) -> bool:
        """False when it was not alive."""

    async def revoke_named(self, token: str) -> None:
        """As `revoke`, by the raw token, alive or not: an earlier attempt may have gone unacknowledged."""

    async def revoke_all(self, sub: str, *, keep: str = "") -> int:
        """Ends all of a user but `keep`, and whatever sign-in is under way; how many were alive."""

    async def raise_generation(self, sub: str, generation: str) -> str | None:
        """The new generation; None when `generation` is no longer the present one. A sign-in that is under
        way creates nothing; living sessions stay."""

    async def revoke_token(self, sub: str, jti: str, seconds: int) -> None:
        """Refuse one access token for the `seconds` that it still has."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a sign-in comes from, in lengths that can be stored."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a reader proved to be. `generation` was read before the proof: raised since, it opens nothing."""

    sub: str
    tier: str
    proved_by: str
    generation: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session and its raw token, which is stored nowhere."""

    session: Session
    token: str


async def open_session(
    sessions: Sessions, identity: Identity, client: Client, caller: Caller, *, remember: bool
) -> Opened | None:
    """A session under a new token and a new id; None when the user's sessions were revoked meanwhile."""
    token = new_id()
    record = {
        **described(identity, client.id, caller, remember=remember),
        "token_hash": liveness.token_hash(token),
    }
    session = await create_session(sessions, identity, new_sid(), record)
    return None if session is None else Opened(session, token)


def new_sid() -> str:
    return secrets.token_urlsafe(16)


def described(identity: Identity, client_id: str, caller: Caller, *, remember: bool) -> dict[str, str]:
    """What the record of any session has."""
    return {
        "client": client_id,
        "tier": identity.tier,
        "proved_by": identity.proved_by,
        "remember": "1" if remember else "0",
        "ip_address": caller.address or "",
        "user_agent": caller.user_agent,
    }


async def create_session(
    sessions: Sessions,
    identity: Identity,
    sid: str,
    record: Mapping[str, str],
    *,
    proved_at: int | None = None,
) -> Session | None:
    """None when it may not be made any more (`Sessions.create`)."""
    cap = MAX_GUEST_SESSIONS if identity.proved_by == ANONYMOUS else MAX_SESSIONS
    created = await sessions.create(
        identity.sub, sid, identity.generation, record, cap=cap, proved_at=proved_at
    )
    if created is None:
        return None
    life = LIFE_MS if record["remember"] == "1" else SHORT_LIFE_MS
    times = {"created_at": created, "updated_at": created, "expires_at": created + life}
    return parse(identity.sub, sid, {**record, **{name: str(at) for name, at in times.items()}})
