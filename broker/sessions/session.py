"""The session record, the interface of its store, and opening a session."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from broker.accounts.accounts import new_id
from broker.oauth.clients import Client
from tokens import liveness
from tokens.claims import SCOPES, AccessClaims
from tokens.session_rules import ANONYMOUS

LIFE_MS: Final = 604_800_000
SHORT_LIFE_MS: Final = 86_400_000
SLIDE_AFTER_MS: Final = 86_400_000
"""Better Auth's `expiresIn`, its day for `rememberMe: false`, and its `updateAge`."""
ABSOLUTE_LIFE_MS: Final = 2_592_000_000
"""30 days from its creation; no session is slid beyond that."""
FRESH_MS: Final = 86_400_000
"""Better Auth's `freshAge`: a session this young may list the others, or delete the account without a
password."""
MAX_SESSIONS: Final = 50
MAX_GUEST_SESSIONS: Final = 1
"""Sessions that one user may have at one site."""
MAX_USER_AGENT: Final = 256
ANY_GENERATION: Final = "*"
"""The generation for a session that the reader could open again right after a revocation, as another proof
vouches for them: a revocation while it is made changes nothing."""
SID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
"""The form of the ids that `new_sid` makes."""
ALL_SCOPES: Final = " ".join(SCOPES)
PASSWORD: Final = "password"  # noqa: S105  a way of proving, not a secret
BETTER_AUTH: Final = "better_auth"
"""The reader has a session at the site's own Better Auth server."""


class Session(NamedTuple):
    """A living session. Times are Redis milliseconds; `id` is the `sid` of tokens, and no credential.

    `scope`: the scope that its tokens may have. `jkt`: the key that its refresh tokens are bound to, or
    empty. `upstream`: the sealed name of the session at the site's Better Auth server, or empty. `slid`: this
    look-up extended its life, so the cookie's life should be extended too.
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
    upstream: str = ""
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
        upstream=record.get("upstream", ""),
        slid="slid" in record,
    )


class Sessions(Protocol):
    """Every method raises StoreUnavailable when Redis gave no sure answer; the endpoint must not answer 2xx
    then."""

    async def ready(self) -> None:
        """Raises StoreUnavailable also when Redis takes no writes, so that no session could be made."""

    async def generation(self, sub: str, client: str) -> str:
        """For a session of that site: the caller reads it before it checks a proof, and gives it to
        `create`."""

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
        """The time of creation (ms), or None when all sessions, or all of its site, were revoked since
        `generation`, or this one was voided. Beyond `cap` the site's oldest session is ended. With
        `proved_at` (ms) the session counts as created then, so that a cut made since ends it. It lives for
        `life` (ms), or as `remember` says."""

    async def void(self, sub: str, sid: str) -> None:
        """Mark a session that is not made yet, so that it is never made."""

    async def by_token(self, token: str, *, slide: bool) -> Session | None:
        """The living session that outlived every cut; if `slide`, its life is extended when that is due."""

    async def by_id(self, sub: str, sid: str) -> Session | None:
        """As `by_token`, never slid."""

    async def of(self, claims: AccessClaims, kid: str) -> Session | None:
        """The session of a verified access token; None also when the token itself was revoked, when the
        session has another client or tier now, or when the key `kid` that signed the token may no longer
        verify."""

    async def by_user(self, sub: str, *, client: str = "") -> list[Session]:
        """The user's living sessions, the oldest first; those of one site if `client` names it."""

    async def revoke(self, sub: str, sid: str, *, client: str = "") -> bool:
        """False when it was not alive. If `client` is given, a session of another site lives on."""

    async def revoke_named(self, token: str) -> None:
        """As `revoke`, by the raw token, alive or not: an earlier attempt may not have been acknowledged."""

    async def revoke_all(self, sub: str, *, client: str = "", keep: str = "") -> int:
        """Revoke all sessions of a user except `keep`, and every sign-in under way; those of one site if
        `client` names it. Returns how many were alive."""

    async def sign_out_there(self, sub: str) -> None:
        """Remember that a session of the user ended at the site's Better Auth server."""

    async def signed_out_there(self, sub: str) -> int:
        """When that was (ms since the epoch, by Redis); 0 for never."""

    async def raise_generation(self, sub: str, client: str, generation: str) -> str | None:
        """The new generation; None when `generation` is no longer the present one. A sign-in that is under
        way, at any site, creates nothing; living sessions stay."""

    async def revoke_token(self, sub: str, jti: str, seconds: int) -> None:
        """Refuse one access token for the `seconds` that it has left."""


class Caller(NamedTuple):
    """The client of a sign-in: its address and user agent, cut to lengths that can be stored."""

    address: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity that a reader proved. `generation` was read before the proof: if it was raised since, the
    identity opens no session."""

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
    """A session with a new token and a new id; None when the user's sessions were revoked meanwhile."""
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
    """The fields that the record of every session has."""
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
    life: int | None = None,
) -> Session | None:
    """None when it may no longer be made (`Sessions.create`)."""
    cap = MAX_GUEST_SESSIONS if identity.proved_by == ANONYMOUS else MAX_SESSIONS
    created = await sessions.create(
        identity.sub, sid, identity.generation, record, cap=cap, proved_at=proved_at, life=life
    )
    if created is None:
        return None
    if life is None:
        life = LIFE_MS if record["remember"] == "1" else SHORT_LIFE_MS
    times = {"created_at": created, "updated_at": created, "expires_at": created + life}
    return parse(identity.sub, sid, {**record, **{name: str(at) for name, at in times.items()}})
