"""Revocation: of a token, of a session with its tokens, of all sessions of a user. Acknowledged, or raised.

A cut (broker.storage.cuts), made on the command line, ends all sessions of a site or of all sites. Every
function raises StoreUnavailable when Redis gave no sure answer; the caller must not report success then.
"""

from typing import Final

from broker import audit
from broker.oauth.refresh import Handle
from broker.sessions.session import Sessions
from tokens.claims import MAX_LIFETIME, AccessClaims
from tokens.verify import LEEWAY

_CLOCKS: Final = 120 + 2 * LEEWAY
"""Seconds by which a mark outlives its token: the issuer's clock may be a minute ahead and a verifier's one
behind, and a revoked token must not become valid again because of that."""
LONGEST_MARK: Final = MAX_LIFETIME + _CLOCKS
"""Seconds after which a mark has outlived any token."""


async def revoke_token(sessions: Sessions, claims: AccessClaims, now: float) -> None:
    """Revoke one access token, and those that were narrowed from it."""
    await sessions.revoke_token(claims.sub, claims.jti, claims.exp - int(now) + _CLOCKS)
    audit.record(audit.TOKEN_REVOKED, client=claims.client_id, sub=claims.sub, jti=claims.jti)


async def revoke_session(sessions: Sessions, sub: str, sid: str, *, by: str, client: str = "") -> None:
    """Revoke a session, its refresh tokens and its access tokens. `by` names the cause, for the audit; if
    `client` is given, a session of another site lives on.

    A session that is gone is revoked again: an earlier attempt may not have been acknowledged, and this one
    waits for the acknowledgement.
    """
    if await sessions.revoke(sub, sid, client=client):
        audit.record(audit.SESSION_REVOKED, sub=sub, sid=sid, by=by)


async def revoke_all(sessions: Sessions, sub: str, *, by: str, client: str = "", keep: str = "") -> None:
    """Revoke every session of a user except `keep`, or those of one site if `client` names it; a sign-in or a
    code that is under way there opens no session."""
    ended = await sessions.revoke_all(sub, client=client, keep=keep)
    audit.record(
        audit.SESSIONS_REVOKED, client=client or None, sub=sub, ended=ended, kept=keep or None, by=by
    )


def ended_by_reuse(handle: Handle) -> None:
    """Record that a used refresh token was sent again, for which the store has ended its session."""
    audit.record(audit.SESSION_REVOKED, sub=handle.sub, sid=handle.sid, by="refresh_reuse")


async def revoke_given(sessions: Sessions, sub: str, sid: str) -> None:
    """Revoke the session that a code made or is about to make, as the code was used again (RFC 6749
    4.1.2)."""
    await sessions.void(sub, sid)
    await revoke_session(sessions, sub, sid, by="code_reuse")
