"""Names of the Redis keys that both services use. The braces are literal: they are Redis hash tags.

All that is known of one user shares the tag `{<sub>}`, so one script decides on it, in a Cluster too.
"""

import hashlib

CUT = "cg:cut"
"""Hash: `all` and `client:<id>` (Redis ms: a session made at or before then is dead), `kids` (the key ids
that may still verify, comma-separated) and `ring` (the version of the key ring that `kids` is from).
Without it nobody can be judged: 503 until the broker has set it again."""
REVOKED_CHANNEL = "cg:revoked"
"""Pub/sub: `<sub> <sid>` (a session), `<sub> *` (all of a user), `<sub> jti:<jti>` (a token) or `*` (a cut,
or other `kids`: look again). Ends running streams early; their renewal is the guarantee."""
BY_JTI = "jti:"
WRITABLE = "cg:writable"
"""String that is set when somebody asks whether a service is ready: a server that takes no writes, as a
replica or a full one, lets nobody in."""
WRITABLE_MS = 1_000


def token_hash(session_token: str) -> str:
    """SHA-256, hex, of a raw session token: the only form of it that is stored."""
    return hashlib.sha256(session_token.encode()).hexdigest()


def session_pointer(hashed_token: str) -> str:
    """String `<sub>:<sid>`, for the session's absolute life."""
    return f"cg:st:{hashed_token}"


def session(sub: str, sid: str) -> str:
    """Hash: the session record. Deleting it is the revocation.

    `token_hash`, `client`, `tier`, `proved_by` (`password`, `anonymous`), `created_at`, `updated_at` and
    `expires_at` (Redis ms), `remember` (`1` or `0`), `ip_address`, `user_agent`. One that a code made has no
    `token_hash`, but `scope`, `jkt` (thumbprint of the key that its refresh
    tokens are bound to, or empty), `counter` (of the latest refresh token) and `rotated_at` (Redis ms).
    """
    return f"cg:{{{sub}}}:s:{sid}"


def sessions(sub: str) -> str:
    """Sorted set of the user's session ids by creation (ms)."""
    return f"cg:{{{sub}}}:sids"


def generation(sub: str) -> str:
    """Number, raised before all of a user's sessions are ended; absent counts as 0."""
    return f"cg:{{{sub}}}:gen"


def revoked_token(sub: str, jti: str) -> str:
    """Present while a token that was revoked on its own would still be good."""
    return f"cg:{{{sub}}}:r:{jti}"


def voided(sub: str, sid: str) -> str:
    """Present while a session must not be made: the code that would make it was shown twice."""
    return f"cg:{{{sub}}}:v:{sid}"


def code(sub: str, hashed_code: str) -> str:
    """Hash: an authorization code, as broker.codes describes it, and afterwards what it gave."""
    return f"cg:{{{sub}}}:code:{hashed_code}"


def root_of(jti: str) -> str:
    """The `jti` of the token that was narrowed down to this one, else itself: what revokes that one revokes
    this one too."""
    return jti.partition(".")[0]


def proof(sub: str, proof_id: str) -> str:
    """Present while a DPoP proof that was seen at the chat proxy could be shown again."""
    return f"cg:{{{sub}}}:d:{proof_id}"


def shown_proof(proof_id: str) -> str:
    """As `proof`, at the broker, where the proof comes before it is known whose it is."""
    return f"cg:d:{proof_id}"
