"""`authorization_code` with PKCE (RFC 6749 4.1.3, RFC 7636): a code becomes a session and its tokens."""

from typing import Any

from broker import audit, scopes
from broker.codes import Code, Spent, subject_of
from broker.errors import OAuthError
from broker.grants import REFRESH_TOKEN, TokenRequest, answer
from broker.refresh import FIRST, Handle
from broker.revocation import revoke_given
from broker.sessions import ALL_SCOPES, Session, create_session, described, new_sid


async def exchange(request: TokenRequest) -> dict[str, Any]:
    broker, handle = request.broker, request.required("code")
    redirect_uri, verifier = request.required("redirect_uri"), request.required("code_verifier")
    # All that can fail without the code's fault is looked at before it is spent: it cannot be shown again.
    broker.mint.ring()
    asked = request.parameters.get("scope")
    scopes.requested(asked, ALL_SCOPES)
    # Known before the code is spent, so that a second use can end what the first is about to make.
    sid = new_sid()
    code = await broker.codes.spend(handle, sid)
    if isinstance(code, Spent):
        sub = subject_of(handle)
        if sub is not None:
            await revoke_given(broker.sessions, sub, code.sid)
    if not isinstance(code, Code):
        raise OAuthError("invalid_grant", "code: it is unknown, expired or already used")
    # Spent before it is judged, so a code that somebody else shows is gone.
    code.redeem(client_id=request.client.id, redirect_uri=redirect_uri, verifier=verifier, jkt=request.jkt)
    session = await _open(request, code, sid, scopes.requested(asked, code.scope))
    issued = broker.mint.access_token(session, jkt=request.jkt or None)
    refresh_token = broker.refresh_tokens.write(Handle(session.sub, sid, FIRST))
    return answer(issued, **{REFRESH_TOKEN: refresh_token})


async def _open(request: TokenRequest, code: Code, sid: str, scope: str) -> Session:
    record = {
        **described(code.identity, code.client_id, code.caller, remember=True),
        "scope": scope,
        "jkt": request.jkt,
        "counter": str(FIRST),
        "rotated_at": str(code.made_at),
    }
    session = await create_session(
        request.broker.sessions, code.identity, sid, record, proved_at=code.made_at
    )
    if session is None:
        raise OAuthError("invalid_grant", "code: the reader was signed out everywhere meanwhile")
    audit.signed_in(session, grant="authorization_code")
    return session
