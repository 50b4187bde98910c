"""Issues every access token (RFC 9068), each for a living session."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from broker import audit
from broker.oauth.clients import Client, Clients, foreign_client
from broker.sessions.session import BETTER_AUTH, Session
from broker.signing.jws import signed
from broker.signing.keyring import Keys, Ring
from broker.upstreams.seals import Seals
from edge.http.problems import unavailable
from tokens.claims import ACCESS_TOKEN_TYPE, MAX_LIFETIME, AccessClaims
from tokens.session_rules import is_taken
from tokens.verify import Verified

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
JTI: Final = re.compile(r"[A-Za-z0-9_-]{16}(?:\.[A-Za-z0-9_-]{16})?")
"""The name of a token; the part after the dot is the own part of a token that was narrowed from another."""
_JTI_BYTES: Final = 12


class Issued(NamedTuple):
    """`expires_in` is in seconds; `token_type` as RFC 6749 5.1 names it."""

    token: str
    token_type: str
    jti: str
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True)
class Mint:
    """`now` is seconds since the epoch."""

    keys: Keys
    issuer: str
    audience: str
    now: Callable[[], float]
    seals: Seals

    def access_token(
        self,
        session: Session,
        *,
        scope: str | None = None,
        jkt: str | None = None,
        narrowed: Verified | None = None,
    ) -> Issued | None:
        """A token for MAX_LIFETIME seconds, or for the session's remaining time; None when none remains.

        The caller has judged `scope` and `jkt`; by default the scope is the session's. A token that is
        `narrowed` from another expires and is revoked with it, and the same key signs it, so that it does not
        outlive that key either. None too when that key is gone, and when no secret of ours opens the name of
        a session at the site's Better Auth server. Raises Problem 503 without signing keys.
        """
        ring = self.ring()
        key = ring.current if narrowed is None else self.keys.find(narrowed.kid)
        iat = int(self.now())
        exp = min(iat + MAX_LIFETIME, session.expires_at // 1000)
        jti = secrets.token_urlsafe(_JTI_BYTES)
        if narrowed is not None:
            exp, jti = min(exp, narrowed.claims.exp), f"{narrowed.claims.jti}.{jti}"
        opened = self.seals.open(session.id, session.upstream) if session.upstream else None
        if exp <= iat or key is None or (session.upstream and opened is None):
            return None
        claims = AccessClaims(
            iss=self.issuer,
            sub=session.sub,
            aud=self.audience,
            client_id=session.client,
            iat=iat,
            exp=exp,
            jti=jti,
            sid=session.id,
            scope=session.scope if scope is None else scope,
            tier=session.tier,
            jkt=jkt,
            upk=None if opened is None else opened[0],
        )
        token = signed(key, claims.to_payload(), ACCESS_TOKEN_TYPE)
        audit.record(audit.TOKEN_ISSUED, client=session.client, sub=session.sub, sid=session.id, jti=jti)
        return Issued(token, BEARER if jkt is None else DPOP, jti, exp - iat, claims.scope)

    def sign(self, payload: Mapping[str, Any], typ: str) -> str:
        """Sign another JWT of the broker's own, of a type that no token has. Raises Problem 503."""
        return signed(self.ring().current, payload, typ)

    def ring(self) -> Ring:
        """The signing keys. Callers ask for them before they spend a credential that works once. Raises
        Problem 503."""
        ring = self.keys.ring
        if ring is None:
            raise unavailable("The signing keys cannot be read yet. Try again shortly.")
        return ring


def is_served(session: Session, clients: Clients) -> bool:
    """Return True if the session's site still exists and still takes the session: the chat proxy refuses a
    guest of a site that no longer takes guests, or whose guests have another tier now, and a session of a
    Better Auth server that the site no longer names."""
    client = clients.by_id.get(session.client)
    if client is None or _is_orphaned(session, client):
        return False
    return is_taken(
        is_guest=session.is_guest, tier=session.tier, guests=client.guests, guest_tier=client.guest_tier
    )


def _is_orphaned(session: Session, client: Client) -> bool:
    """Return True if a Better Auth server vouched for the session, and its site names none any more."""
    is_vouched_for = session.upstream != "" or session.proved_by == BETTER_AUTH
    return is_vouched_for and client.better_auth is None


def require_client(session: Session, clients: Clients, client_id: str | None, origin: str | None) -> None:
    """Check that a token is asked for the site that the session was made for, and from that site's pages.

    Raises Problem 403.
    """
    if client_id not in (None, session.client) or not clients.admits(session.client, origin):
        raise foreign_client()
