"""Ending what was given: a token, a session with its tokens, all of a user. Acknowledged, or raised.

What reaches further, all of a site or everything, is a cut (broker.storage.cuts), made on the command line.
Every verb raises StoreUnavailable when Redis gave no sure answer, and success may not be said after that.
"""

from typing import Final

from broker import audit
from broker.refresh import Handle
from broker.sessions import Sessions
from tokens.claims import MAX_LIFETIME, AccessClaims
from tokens.verify import LEEWAY

_CLOCKS: Final = 120 + 2 * LEEWAY
"""Seconds by which a mark outlives its token: the issuer's clock may be a minute ahead and a verifier's one
behind, and a token that was revoked may not come back for that."""
LONGEST_MARK: Final = MAX_LIFETIME + _CLOCKS
"""Seconds of a mark that outlives whatever token it is for."""


async def revoke_token(sessions: Sessions, claims: AccessClaims, now: float) -> None:
    """One access token, and those that were narrowed from it."""
    await sessions.revoke_token(claims.sub, claims.jti, claims.exp - int(now) + _CLOCKS)
    audit.record(audit.TOKEN_REVOKED, client=claims.client_id, sub=claims.sub, jti=claims.jti)


async def revoke_session(sessions: Sessions, sub: str, sid: str, *, by: str) -> None:
    """A session, its refresh tokens and its access tokens. `by` says at whose word, for the audit.

    Also where it is gone: an earlier attempt may have gone unacknowledged, and this one waits for it.
    """
    if await sessions.revoke(sub, sid):
        audit.record(audit.SESSION_REVOKED, sub=sub, sid=sid, by=by)


async def revoke_all(sessions: Sessions, sub: str, *, by: str, keep: str = "") -> None:
    """Every session of a user but `keep`; a sign-in or a code that is under way opens nothing."""
    ended = await sessions.revoke_all(sub, keep=keep)
    audit.record(audit.SESSIONS_REVOKED, sub=sub, ended=ended, kept=keep or None, by=by)


def ended_by_reuse(handle: Handle) -> None:
    """A used refresh token was shown again, and the store has ended its session."""
    audit.record(audit.SESSION_REVOKED, sub=handle.sub, sid=handle.sid, by="refresh_reuse")


async def revoke_given(sessions: Sessions, sub: str, sid: str) -> None:
    """What a code gave, or is about to give, when the code is shown again (RFC 6749 4.1.2)."""
    await sessions.void(sub, sid)
    await revoke_session(sessions, sub, sid, by="code_reuse")
