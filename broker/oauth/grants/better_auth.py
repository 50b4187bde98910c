"""Token exchange (RFC 8693): trades a session or a JWT of a site's own Better Auth server for a session of
ours.

A session becomes one with refresh tokens, which lives no longer than the one there. A JWT names no session,
so it becomes one without refresh tokens, which ends with the JWT.
"""

from collections.abc import Mapping
from typing import Any, Final

from broker import audit
from broker.errors import OAuthError
from broker.oauth import scopes
from broker.oauth.grants import Grant, Proved, TokenRequest, answer, open_family
from broker.sessions import cookies
from broker.sessions.current import raw_session_token
from broker.sessions.revocation import revoke_session
from broker.sessions.session import (
    ALL_SCOPES,
    ANY_GENERATION,
    BETTER_AUTH,
    LIFE_MS,
    Identity,
    create_session,
    described,
    new_sid,
)
from broker.upstreams.upstreams import subject
from tokens.session_rules import ANONYMOUS

SESSION: Final = "urn:chatgate:params:oauth:token-type:better-auth-session"
"""A session token of the site's Better Auth server: raw, signed, or signed and percent-encoded."""
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
_GRANT: Final = "better_auth"
RECENT_MS: Final = 60_000
"""An exchange that was under way when the server told of a sign-out has ended by then."""


async def exchange_session(request: TokenRequest) -> dict[str, Any]:
    broker, client = request.broker, request.client
    site = broker.upstreams.by_site.get(client.id)
    if site is None or client.better_auth is None:
        raise OAuthError("invalid_request", "subject_token_type: this site takes no such sessions")
    scope = await _begun(request)
    secrets = [one.get_secret_value().encode() for one in client.better_auth.secrets]
    token = raw_session_token(request.required("subject_token"), secrets)
    if token is None and cookies.is_signed_token(request.required("subject_token")):
        site.signature_unknown()
    found = None if token is None else await site.find(token)
    if found is None:
        raise _invalid()
    identity = _identity(request, found.user_id, is_anonymous=found.is_anonymous)
    sid = new_sid()
    sealed = broker.upstreams.seals.seal(sid, found.reference(site.way).to_bytes())
    proved = Proved(identity, request.caller, scope, upstream=sealed)
    tokens = await open_family(request, sid, proved, grant=_GRANT)
    if tokens is None:
        raise _signed_out()
    if client.better_auth.webhook_secret is not None:
        # The server may have told of the end after it was asked, when there was no session here to be ended.
        told_at = await broker.sessions.signed_out_there(identity.sub)
        is_recent = abs(broker.now() * 1000 - told_at) < RECENT_MS
        if is_recent and await site.find(found.token, anew=True) is None:
            await revoke_session(broker.sessions, identity.sub, sid, by=_GRANT)
            raise _invalid()
    return tokens


async def exchange_jwt(request: TokenRequest) -> dict[str, Any]:
    broker, client = request.broker, request.client
    jwts = broker.upstreams.jwts.get(client.id)
    if jwts is None:
        raise OAuthError("invalid_request", "subject_token_type: this site takes no JWTs")
    scope = await _begun(request)
    vouched = await jwts.verify(request.required("subject_token"), broker.now())
    if vouched is None:
        raise _invalid()
    identity = _identity(request, vouched.user_id, is_anonymous=vouched.is_anonymous)
    await _require_later(request, identity.sub, vouched.iat)
    record = {
        **described(identity, client.id, request.caller, remember=False),
        "scope": scope,
        "jkt": request.jkt,
    }
    life = min(int((vouched.exp - broker.now()) * 1000), LIFE_MS)
    session = await create_session(broker.sessions, identity, new_sid(), record, life=life)
    if session is None:
        raise _signed_out()
    try:
        # The server may have told of a sign-out when this session was not there yet to be ended.
        await _require_later(request, identity.sub, vouched.iat)
    except OAuthError:
        await revoke_session(broker.sessions, identity.sub, session.id, by=_GRANT)
        raise
    audit.signed_in(session, grant=_GRANT)
    return answer(broker.mint.access_token(session, jkt=request.jkt or None))


KINDS: Final[Mapping[str, Grant]] = {SESSION: exchange_session, JWT: exchange_jwt}
"""By `subject_token_type`."""


async def _begun(request: TokenRequest) -> str:
    """The scope of the new session, once every check is made that needs no other server."""
    request.broker.mint.ring()
    scope = scopes.requested(request.parameters.get("scope"), ALL_SCOPES)
    if not request.jkt:
        # A proof was counted already, under the same limit.
        await request.broker.rates.exchange(request.caller.address)
    return scope


async def _require_later(request: TokenRequest, sub: str, iat: int) -> None:
    """Check that the user's server told of no sign-out since a JWT of `iat` (seconds since the epoch); one of
    the same second may be from before it. Raises OAuthError."""
    told_at = await request.broker.sessions.signed_out_there(sub)
    settings = request.client.better_auth
    if settings is not None and settings.webhook_secret is not None:
        # A sign-out is remembered for LIFE_MS, and a JWT may be good for longer.
        told_at = max(told_at, round(request.broker.now() * 1000) - LIFE_MS)
    if iat * 1000 <= told_at:
        raise _invalid()


def _identity(request: TokenRequest, user_id: str, *, is_anonymous: bool) -> Identity:
    client = request.client
    if is_anonymous and not client.guests:
        raise OAuthError("invalid_request", "subject_token: this site takes no guests")
    sub = subject(client.id, user_id)
    if is_anonymous:
        return Identity(sub, client.guest_tier, ANONYMOUS, ANY_GENERATION)
    return Identity(sub, client.tier, BETTER_AUTH, ANY_GENERATION)


def _invalid() -> OAuthError:
    # RFC 8693 2.2.2 requires this code for a subject token that is not valid, or not acceptable.
    return OAuthError("invalid_request", "subject_token: it is not good, or of a user whom this site refuses")


def _signed_out() -> OAuthError:
    return OAuthError("invalid_request", "subject_token: the reader was signed out everywhere meanwhile")
