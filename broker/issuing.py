"""The only mint: an access token (RFC 9068) for a living session."""

import secrets
from dataclasses import dataclass
from typing import Final

import jwt

from broker.clients import Clients, foreign_client
from broker.keys import SigningKey
from broker.sessions import Session
from tokens.claims import ACCESS_TOKEN_TYPE, MAX_LIFETIME, AccessClaims

SCOPE: Final = "chat"


@dataclass(frozen=True, slots=True)
class Issued:
    """`expires_in` is in seconds."""

    token: str
    jti: str
    expires_in: int


def require_client(session: Session, clients: Clients, client_id: str | None, origin: str | None) -> None:
    """A token is minted for the site the session was made for, and asked for from that site's pages.

    Raises Problem 403.
    """
    client = clients.by_id.get(session.client)
    if client is None or client_id not in (None, session.client):
        raise foreign_client()
    if origin is not None and origin not in client.origins:
        raise foreign_client()


def issue(session: Session, key: SigningKey, *, issuer: str, audience: str, now: float) -> Issued | None:
    """A token for MAX_LIFETIME seconds, or for what is left of the session; None when nothing is."""
    iat = int(now)
    exp = min(iat + MAX_LIFETIME, session.expires_at // 1000)
    if exp <= iat:
        return None
    claims = AccessClaims(
        iss=issuer,
        sub=session.sub,
        aud=audience,
        client_id=session.client,
        iat=iat,
        exp=exp,
        jti=secrets.token_urlsafe(12),
        sid=session.id,
        scope=SCOPE,
        tier=session.tier,
    )
    headers = {"kid": key.kid, "typ": ACCESS_TOKEN_TYPE}
    token = jwt.encode(claims.to_payload(), key.private, algorithm=key.alg, headers=headers)
    return Issued(token, claims.jti, exp - iat)
