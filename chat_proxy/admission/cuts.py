"""Judge a session by `cg:cut`: it must have outlived every cut, and its token's key must be in the ring.

In a Cluster the script under the reader's tag cannot read that key, so the same flight reads it beside the
script.
"""

from collections.abc import Sequence
from typing import Final

from chat_proxy.gate import Caller
from edge.http import authorization
from edge.http.problems import unavailable
from edge.redis.client import Command, command
from tokens import liveness

GUEST: Final = b"anonymous"
"""`proved_by` of a session that began without a sign-in."""

Cut = Sequence[bytes | None]
"""The cut for all sessions, the key ids, and the cut for each client that was asked about."""


def ask(*clients: str) -> Command:
    return command("HMGET", liveness.CUT, "all", "kids", *(f"client:{client}" for client in clients))


def require(cut: Cut) -> bytes:
    """The ids of the keys that may verify a token. Raises Problem 503 when the cuts are missing: the proxy
    cannot tell then which sessions were revoked."""
    if cut[0] is None or cut[1] is None:
        raise unavailable("Sessions cannot be checked at the moment. Try again shortly.")
    return cut[1]


def outlived(created: int, *cuts: bytes | None) -> bool:
    """Return True if a session created then (ms) is younger than every cut; one of the same ms is dead."""
    return created > max(int(cut or 0) for cut in cuts)


def judge(caller: Caller, cut: Cut, created: bytes | None, proved_by: bytes | None) -> None:
    """`cut` of the caller's client; `created` is None for a dead session. Raises Problem 401 and 503."""
    kids = require(cut)
    if created is None or not outlived(int(created), cut[0], cut[2]):
        raise authorization.invalid_token()
    if caller.kid.encode() not in kids.split(b","):
        raise authorization.invalid_token()
    # The site may have stopped taking guests, or changed their tier: then its guests must sign in again.
    if proved_by == GUEST and not (caller.site.guests and caller.tier == caller.site.guest_tier):
        raise authorization.invalid_token()
