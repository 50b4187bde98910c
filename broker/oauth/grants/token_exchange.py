"""`token-exchange` (RFC 8693): trades a session token, or an access token, for a narrower access token, and a
session of the site's own Better Auth server for one of ours."""

from typing import Any, Final

from broker.errors import OAuthError
from broker.oauth import scopes
from broker.oauth.grants import ACCESS_TOKEN, TokenRequest, answer, better_auth
from broker.oauth.mint import is_served
from broker.sessions.current import raw_session_token
from broker.sessions.session import Session
from tokens.errors import InvalidToken
from tokens.verify import Verified

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
SESSION_TOKEN: Final = "urn:chatgate:params:oauth:token-type:session-token"  # noqa: S105
"""The raw or signed session token of the Better Auth API, for which RFC 8693 3 has no name."""


async def exchange(request: TokenRequest) -> dict[str, Any]:
    if request.parameters.keys() & {"actor_token", "actor_token_type"}:
        raise OAuthError("invalid_request", "actor_token: no client acts for a reader here")
    if request.parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", f"requested_token_type: only {ACCESS_TOKEN} is issued")
    subject_token = request.required("subject_token")
    subject_type = request.required("subject_token_type")
    if subject_type in better_auth.KINDS:
        return {**await better_auth.KINDS[subject_type](request), "issued_token_type": ACCESS_TOKEN}
    narrowed: Verified | None = None
    if subject_type == ACCESS_TOKEN:
        narrowed, session = await _access_token(request, subject_token)
        granted = narrowed.claims.scope
    elif subject_type == SESSION_TOKEN:
        session = await _session_token(request, subject_token)
        granted = session.scope
    else:
        known = ", ".join((ACCESS_TOKEN, SESSION_TOKEN, *better_auth.KINDS))
        raise OAuthError("invalid_request", f"subject_token_type: known are {known}")
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
    # A verifier allows for clock skew and takes a token that has just expired; this clock issued it.
    if claims.client_id != request.client.id or claims.exp <= broker.now():
        raise _invalid()
    # A bound token is not valid without its key; an exchange without the proof would free it of the key.
    if claims.jkt is not None and claims.jkt != request.jkt:
        raise OAuthError("invalid_request", "subject_token: the proof of the key it is bound to is needed")
    if "." in claims.jti:
        raise OAuthError("invalid_request", "subject_token: it is the result of an exchange itself")
    session = await broker.sessions.of(claims, verified.kid)
    if session is None or not is_served(session, broker.config.clients):
        raise _invalid()
    if not await broker.upstreams.vouches(broker.sessions, session):
        raise _invalid()
    return verified, session


async def _session_token(request: TokenRequest, token: str) -> Session:
    broker = request.broker
    raw = raw_session_token(token, broker.config.secrets)
    # If a site keeps its tokens in cookies alone, a client that sends one in a form took it from there.
    if raw is None or not request.client.session_bearer:
        raise _invalid()
    session = await broker.sessions.by_token(raw, slide=True)
    if session is None or session.client != request.client.id:
        raise _invalid()
    if not is_served(session, broker.config.clients):
        raise _invalid()
    return session


def _invalid() -> OAuthError:
    # RFC 8693 2.2.2 requires this code for a subject token that is not valid.
    return OAuthError("invalid_request", "subject_token: it is not good, or not this client's")
