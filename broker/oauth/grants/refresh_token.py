"""`refresh_token` (RFC 6749 6, RFC 9700 4.14.2): trades the latest of a family for the next and an access
token."""

from typing import Any, Final

from broker.errors import OAuthError
from broker.oauth import scopes
from broker.oauth.grants import REFRESH_TOKEN, TokenRequest, answer
from broker.oauth.mint import is_served
from broker.oauth.refresh import Handle, Refused
from broker.sessions import revocation
from broker.sessions.session import ALL_SCOPES

_REASONS: Final = {
    Refused.UNKNOWN: "it is unknown, expired or revoked",
    Refused.OTHER_KEY: "it is bound to another DPoP key, whose proof is needed",
    Refused.REUSED: "it was used before, so its session has ended",
}


async def exchange(request: TokenRequest) -> dict[str, Any]:
    broker = request.broker
    handle = broker.refresh_tokens.read(request.required(REFRESH_TOKEN))
    if handle is None:
        raise _refused(Refused.UNKNOWN)
    # Every check that can fail comes before the token is spent: a reader without a key could not try again.
    broker.mint.ring()
    asked = request.parameters.get("scope")
    scope = None if asked is None else scopes.requested(asked, ALL_SCOPES)
    if request.client.better_auth is not None:
        await _require_vouched(request, handle)
    rotated = await broker.families.rotate(handle, request.client.id, request.jkt, scope)
    if rotated is Refused.SCOPE:
        raise OAuthError("invalid_scope", "scope: it is more than was granted")
    if isinstance(rotated, Refused):
        if rotated is Refused.REUSED:
            revocation.ended_by_reuse(handle)
        raise _refused(rotated)
    session = rotated.session
    if not is_served(session, broker.config.clients):
        raise _refused(Refused.UNKNOWN)
    issued = broker.mint.access_token(session, scope=scope, jkt=request.jkt or None)
    following = Handle(session.sub, session.id, rotated.counter)
    return answer(issued, **{REFRESH_TOKEN: broker.refresh_tokens.write(following)})


async def _require_vouched(request: TokenRequest, handle: Handle) -> None:
    """Ask the site's Better Auth server before the token is spent, as a failure there must cost no reader a
    session. Raises OAuthError, UpstreamUnavailable."""
    broker = request.broker
    session = await broker.families.look(handle, request.client.id, request.jkt)
    # The rotation tells the reason of a refusal here.
    if not isinstance(session, Refused) and not await broker.upstreams.vouches(broker.sessions, session):
        raise _refused(Refused.UNKNOWN)


def _refused(reason: Refused) -> OAuthError:
    return OAuthError("invalid_grant", f"{REFRESH_TOKEN}: {_REASONS[reason]}")
