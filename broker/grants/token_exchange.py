"""`token-exchange` (RFC 8693): a Better Auth session token, or an access token, for one that may do less."""

from typing import Any, Final

from broker import scopes
from broker.credentials import raw_session_token
from broker.errors import OAuthError
from broker.grants import TokenRequest, answer
from broker.issuing import is_served
from broker.sessions import Session
from tokens.errors import InvalidToken
from tokens.verify import Verified

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type's name
SESSION_TOKEN: Final = "urn:chatgate:params:oauth:token-type:session-token"  # noqa: S105
"""RFC 8693 3 has no name for it: the raw or signed session token of the Better Auth API."""


async def exchange(request: TokenRequest) -> dict[str, Any]:
    if request.parameters.keys() & {"actor_token", "actor_token_type"}:
        raise OAuthError("invalid_request", "actor_token: nobody acts for a reader here")
    if request.parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"requested_token_type: only {ACCESS_TOKEN} is issued")
    subject_token = request.required("subject_token")
    subject_type = request.required("subject_token_type")
    narrowed: Verified | None = None
    if subject_type == ACCESS_TOKEN:
        narrowed, session = await _access_token(request, subject_token)
        granted = narrowed.claims.scope
    elif subject_type == SESSION_TOKEN:
        session = await _session_token(request, subject_token)
        granted = session.scope
    else:
        raise OAuthError(
            "invalid_request", f"subject_token_type: {ACCESS_TOKEN} and {SESSION_TOKEN} are known"
        )
    scope = scopes.requested(request.parameters.get("scope"), granted)
    issued = request.broker.mint.access_token(
        session, scope=scope, jkt=request.jkt or None, narrowed=narrowed
    )
    return answer(issued, issued_token_type=ACCESS_TOKEN)


async def _access_token(request: TokenRequest, token: str) -> tuple[Verified, Session]:
    broker = request.broker
    try:
        verified = await broker.verifier.verify(token, broker.now())
    except InvalidToken:
        raise _invalid() from None
    claims = verified.claims
    # A verifier takes what expired a moment ago for the sake of other clocks; this one made it.
    if claims.client_id != request.client.id or claims.exp <= broker.now():
        raise _invalid()
    # A bound token is nothing without its key, and would otherwise be freed of it here.
    if claims.jkt is not None and claims.jkt != request.jkt:
        raise OAuthError("invalid_request", "subject_token: the proof of the key it is bound to is needed")
    if "." in claims.jti:
        raise OAuthError("invalid_request", "subject_token: it is the result of an exchange itself")
    session = await broker.sessions.of(claims, verified.kid)
    if session is None or not is_served(session, broker.config.clients):
        raise _invalid()
    return verified, session


async def _session_token(request: TokenRequest, token: str) -> Session:
    broker = request.broker
    raw = raw_session_token(token, broker.config.secrets)
    # Where tokens are kept in cookies alone, whoever has one in hand took it from there.
    if raw is None or not request.client.session_bearer:
        raise _invalid()
    session = await broker.sessions.by_token(raw, slide=True)
    if session is None or session.client != request.client.id:
        raise _invalid()
    if not is_served(session, broker.config.clients):
        raise _invalid()
    return session


def _invalid() -> OAuthError:
    # RFC 8693 2.2.2 wants this code for a subject token that is not good.
    return OAuthError("invalid_request", "subject_token: it is not good, or not this client's")
