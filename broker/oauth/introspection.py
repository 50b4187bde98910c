"""The answer to a resource server about an access token (RFC 7662), plain or signed (RFC 9701)."""

from typing import Any, Final

from broker.oauth.clients import ResourceServer
from broker.oauth.mint import BEARER, DPOP, is_served
from broker.state import Broker
from tokens.claims import AccessClaims
from tokens.errors import InvalidToken

TYPE: Final = "token-introspection+jwt"
MEDIA_TYPE: Final = f"application/{TYPE}"
INACTIVE: Final[dict[str, Any]] = {"active": False}
"""For an unknown, expired or revoked token, one of another kind or not this caller's; it does not say
which."""


async def describe(broker: Broker, caller: ResourceServer, token: str) -> dict[str, Any]:
    """The members of the answer. Raises StoreUnavailable when Redis gave no sure answer, and
    UpstreamUnavailable when the site's Better Auth server gave none."""
    try:
        verified = await broker.verifier.verify(token, broker.now())
    except InvalidToken:
        return INACTIVE
    claims = verified.claims
    # A verifier allows for clock skew and takes a token that has just expired; this clock issued it.
    if claims.client_id not in caller.sites or claims.exp <= broker.now():
        return INACTIVE
    session = await broker.sessions.of(claims, verified.kid)
    if session is None or not is_served(session, broker.config.clients):
        return INACTIVE
    if not await broker.upstreams.vouches(broker.sessions, session):
        return INACTIVE
    return {"active": True, **_members(claims)}


def signed(broker: Broker, caller: ResourceServer, members: dict[str, Any]) -> str:
    """A JWT that is valid only as this answer to this caller (RFC 9701 5). Raises Problem 503."""
    payload = {
        "iss": broker.config.issuer,
        "aud": caller.id,
        "iat": int(broker.now()),
        "token_introspection": members,
    }
    return broker.mint.sign(payload, TYPE)


def _members(claims: AccessClaims) -> dict[str, Any]:
    token_type = BEARER if claims.jkt is None else DPOP
    return {**claims._replace(upk=None).to_payload(), "token_type": token_type}
