"""Judge a session by `cg:cut`: it must have outlived every cut, and its token's key must be in the ring.

In a Cluster the script under the reader's tag cannot read that key, so the same flight reads it beside the
script.
"""

from collections.abc import Sequence

from chat_proxy.admission.replies import Session
from chat_proxy.gate import Caller
from edge.http import authorization
from edge.http.problems import unavailable
from edge.redis.client import Command, command
from tokens import liveness
from tokens.session_rules import ANONYMOUS, is_taken, outlived

Cut = Sequence[bytes | None]
"""The cut for all sessions, the key ids, and the cut for each client that was asked about."""


_ANONYMOUS = ANONYMOUS.encode()


def ask(*clients: str) -> Command:
    return command("HMGET", liveness.CUT, "all", "kids", *(f"client:{client}" for client in clients))


def require(cut: Cut) -> bytes:
    """The ids of the keys that may verify a token. Raises Problem 503 when the cuts are missing: the proxy
    cannot tell then which sessions were revoked."""
    if cut[0] is None or cut[1] is None:
        raise unavailable("Sessions cannot be checked at the moment. Try again shortly.")
    return cut[1]


def judge(caller: Caller, cut: Cut, session: Session | None) -> Session:
    """The session, if it lives. `cut` is that of the caller's client. Raises Problem 401 and 503."""
    kids = require(cut)
    if session is None or not outlived(int(session.created_at), cut[0], cut[2]):
        raise authorization.invalid_token()
    if caller.kid.encode() not in kids.split(b","):
        raise authorization.invalid_token()
    site, is_guest = caller.site, began_as_guest(session)
    if not is_taken(is_guest=is_guest, tier=caller.tier, guests=site.guests, guest_tier=site.guest_tier):
        raise authorization.invalid_token()
    return session


def began_as_guest(session: Session) -> bool:
    return session.proved_by == _ANONYMOUS
