"""The only mint: an access token (RFC 9068) for a living session."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from broker import audit
from broker.clients import Clients, foreign_client
from broker.keys import Keys, Ring, SigningKey
from broker.sessions import Session
from edge.problems import unavailable
from tokens.claims import ACCESS_TOKEN_TYPE, MAX_LIFETIME, AccessClaims
from tokens.verify import Verified

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
JTI: Final = re.compile(r"[A-Za-z0-9_-]{16}(?:\.[A-Za-z0-9_-]{16})?")
"""The name of a token; after the dot is what a token that was narrowed down from another has of its own."""
_JTI_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Issued:
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

    def access_token(
        self,
        session: Session,
        *,
        scope: str | None = None,
        jkt: str | None = None,
        narrowed: Verified | None = None,
    ) -> Issued | None:
        """A token for MAX_LIFETIME seconds, or for what is left of the session; None when nothing is.

        `scope` and `jkt` are as the caller has judged them; without a scope it is the session's. One that was
        `narrowed` from another ends with it, is revoked with it and is signed by its key, so that it does not
        outlive that key either. None too when the key is gone. Raises Problem 503 without signing keys.
        """
        ring = self.ring()
        key = ring.current if narrowed is None else self.keys.find(narrowed.kid)
        iat = int(self.now())
        exp = min(iat + MAX_LIFETIME, session.expires_at // 1000)
        jti = secrets.token_urlsafe(_JTI_BYTES)
        if narrowed is not None:
            exp, jti = min(exp, narrowed.claims.exp), f"{narrowed.claims.jti}.{jti}"
        if exp <= iat or key is None:
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
        )
        token = _signed(key, claims.to_payload(), ACCESS_TOKEN_TYPE)
        audit.record(audit.TOKEN_ISSUED, client=session.client, sub=session.sub, sid=session.id, jti=jti)
        return Issued(token, BEARER if jkt is None else DPOP, jti, exp - iat, claims.scope)

    def sign(self, payload: Mapping[str, Any], typ: str) -> str:
        """Another JWT of the broker's own, of a type that no token has. Raises Problem 503."""
        return _signed(self.ring().current, payload, typ)

    def ring(self) -> Ring:
        """Asked for before anything is spent that cannot be had twice. Raises Problem 503."""
        ring = self.keys.ring
        if ring is None:
            raise unavailable("The signing keys cannot be read yet. Try again shortly.")
        return ring


def _signed(key: SigningKey, payload: Mapping[str, Any], typ: str) -> str:
    return jwt.encode(dict(payload), key.private, algorithm=key.alg, headers={"kid": key.kid, "typ": typ})


def is_served(session: Session, clients: Clients) -> bool:
    """Whether the session's site is still there and still takes it: the chat proxy would refuse a guest of a
    site that takes none any more, or whose guests are of another tier since."""
    client = clients.by_id.get(session.client)
    if client is None:
        return False
    return not session.is_guest or (client.guests and session.tier == client.guest_tier)


def require_client(session: Session, clients: Clients, client_id: str | None, origin: str | None) -> None:
    """A token is minted for the site the session was made for, and asked for from that site's pages.

    Raises Problem 403.
    """
    client = clients.by_id.get(session.client)
    if client is None or client_id not in (None, session.client):
        raise foreign_client()
    if origin is not None and origin not in client.origins:
        raise foreign_client()
