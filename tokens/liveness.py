"""Names of the Redis keys that both services use. The braces are literal: they are Redis hash tags.

All keys of one user share the tag `{<sub>}`, so that one script can decide on them, in a Cluster too.
"""

import hashlib

CUT = "cg:cut"
"""Hash: `all` and `client:<id>` (Redis ms: a session made at or before then is dead), `kids` (the key ids
that may still verify, comma-separated) and `ring` (the version of the key ring that `kids` is from).
If it is missing no session can be judged: 503 until the broker has set it again."""
REVOKED_CHANNEL = "cg:revoked"
"""Pub/sub: `<sub> <sid>` (a session), `<sub> *` (all of a user), `<sub> jti:<jti>` (a token) or `*` (a cut,
or other `kids`: look again). Ends running streams early; their renewal is the guarantee."""
BY_JTI = "jti:"
WRITABLE = "cg:writable"
"""String that each readiness check sets: a service is not ready while its server takes no writes, as a
replica or a full server does."""
WRITABLE_MS = 1_000


def token_hash(session_token: str) -> str:
    """SHA-256, hex, of a raw session token: the only form in which a token is stored."""
    return hashlib.sha256(session_token.encode()).hexdigest()


def session_pointer(hashed_token: str) -> str:
    """String `<sub>:<sid>`; it expires with its session."""
    return f"cg:st:{hashed_token}"


def session(sub: str, sid: str) -> str:
    """Hash: the session record. Deleting it is the revocation.

    `token_hash`, `client`, `tier`, `proved_by` (`password`, `anonymous`), `created_at`, `updated_at` and
    `expires_at` (Redis ms), `remember` (`1` or `0`), `ip_address`, `user_agent`. A session that a code or the
    guest grant made has no `token_hash`, but `scope`, `jkt` (thumbprint of the key that its refresh tokens
    are bound to, or empty), `counter` (of the latest refresh token) and `rotated_at` (Redis ms). One that a
    Better Auth server of the site's own vouches for has `upstream`: the name of the session there, sealed
    (tokens.sealing).
    """
    return f"cg:{{{sub}}}:s:{sid}"


def sessions(sub: str) -> str:
    """Sorted set of the user's session ids by creation (ms)."""
    return f"cg:{{{sub}}}:sids"


def generation(sub: str) -> str:
    """Hash: `all` and `client:<id>`; one of these numbers is raised before all of a user's sessions, or those
    of one site, are ended. A missing number counts as 0."""
    return f"cg:{{{sub}}}:gen"


def revoked_token(sub: str, jti: str) -> str:
    """Present while a token that was revoked by itself would otherwise still be good."""
    return f"cg:{{{sub}}}:r:{jti}"


def voided(sub: str, sid: str) -> str:
    """Present while a session must not be made, as the code that would make it was used twice."""
    return f"cg:{{{sub}}}:v:{sid}"


def signed_out(sub: str) -> str:
    """String: when the user's Better Auth server told that a session ended there (Redis ms). No JWT from
    before is exchanged any more."""
    return f"cg:{{{sub}}}:out"


def code(sub: str, hashed_code: str) -> str:
    """Hash: an authorization code, as broker.oauth.codes describes it, and later the session it made."""
    return f"cg:{{{sub}}}:code:{hashed_code}"


def root_of(jti: str) -> str:
    """The `jti` of the token from which this one was narrowed, or else its own: revoking that token revokes
    this one too."""
    return jti.partition(".")[0]


def proof(sub: str, proof_id: str) -> str:
    """Present while a DPoP proof that the chat proxy has seen could be sent again."""
    return f"cg:{{{sub}}}:d:{proof_id}"


def shown_proof(proof_id: str) -> str:
    """As `proof`, at the broker, which sees the proof before it knows the user."""
    return f"cg:d:{proof_id}"
