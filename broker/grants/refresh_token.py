"""`refresh_token` (RFC 6749 6, RFC 9700 4.14.2): the latest of a family for the next and an access token."""

from typing import Any, Final

from broker import revocation, scopes
from broker.errors import OAuthError
from broker.grants import REFRESH_TOKEN, TokenRequest, answer
from broker.issuing import is_served
from broker.refresh import Handle, Refused
from broker.sessions import ALL_SCOPES

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
    # All that can fail is looked at before the token is spent: an unbound reader could not try again.
    broker.mint.ring()
    asked = request.parameters.get("scope")
    scope = None if asked is None else scopes.requested(asked, ALL_SCOPES)
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


def _refused(reason: Refused) -> OAuthError:
    return OAuthError("invalid_grant", f"{REFRESH_TOKEN}: {_REASONS[reason]}")
