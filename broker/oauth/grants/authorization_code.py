"""`authorization_code` with PKCE (RFC 6749 4.1.3, RFC 7636): a code becomes a session and its tokens."""

from typing import Any

from broker.errors import OAuthError
from broker.oauth import scopes
from broker.oauth.codes import Code, Spent, subject_of
from broker.oauth.grants import Proved, TokenRequest, open_family
from broker.sessions.revocation import revoke_given
from broker.sessions.session import ALL_SCOPES, new_sid


async def exchange(request: TokenRequest) -> dict[str, Any]:
    broker, handle = request.broker, request.required("code")
    redirect_uri, verifier = request.required("redirect_uri"), request.required("code_verifier")
    # Every check that can fail through no fault of the code comes before it is spent: it works only once.
    broker.mint.ring()
    asked = request.parameters.get("scope")
    scopes.requested(asked, ALL_SCOPES)
    # Chosen before the code is spent, so that a second use can end the session that the first is making.
    sid = new_sid()
    code = await broker.codes.spend(handle, sid)
    if isinstance(code, Spent):
        sub = subject_of(handle)
        if sub is not None:
            await revoke_given(broker.sessions, sub, code.sid)
    if not isinstance(code, Code):
        raise OAuthError("invalid_grant", "code: it is unknown, expired or already used")
    # Spent before it is judged, so that a code that an attacker sends is gone.
    code.redeem(client_id=request.client.id, redirect_uri=redirect_uri, verifier=verifier, jkt=request.jkt)
    proved = Proved(code.identity, code.caller, scopes.requested(asked, code.scope), code.made_at)
    tokens = await open_family(request, sid, proved, grant="authorization_code")
    if tokens is None:
        raise OAuthError("invalid_grant", "code: the reader was signed out everywhere meanwhile")
    return tokens
