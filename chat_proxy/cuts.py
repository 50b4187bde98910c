"""Whether a session outlived every cut and its token's key is in the ring: what `cg:cut` says of a caller.

The script under the reader's tag cannot read that key in a Cluster; it is read beside it in the same flight.
"""

from collections.abc import Sequence
from typing import Final

from chat_proxy.gate import Caller
from edge import bearer
from edge.problems import unavailable
from edge.store import Command, command
from tokens import liveness

GUEST: Final = b"anonymous"
"""`proved_by` of a session that nobody signed in for."""

Cut = Sequence[bytes | None]
"""The cut of all, the key ids, and a cut for each client that was asked about."""


def ask(*clients: str) -> Command:
    return command("HMGET", liveness.CUT, "all", "kids", *(f"client:{client}" for client in clients))


def require(cut: Cut) -> bytes:
    """The key ids that may verify. Without the cuts nobody knows what was revoked: Problem 503."""
    if cut[0] is None or cut[1] is None:
        raise unavailable("Sessions cannot be checked at the moment. Try again shortly.")
    return cut[1]


def outlived(created: int, *cuts: bytes | None) -> bool:
    """Made after all of them; a session of the same millisecond is dead."""
    return created > max(int(cut or 0) for cut in cuts)


def judge(caller: Caller, cut: Cut, created: bytes | None, proved_by: bytes | None) -> None:
    """`cut` of the caller's client; `created` is None for a dead session. Raises Problem 401 and 503."""
    kids = require(cut)
    if created is None or not outlived(int(created), cut[0], cut[2]):
        raise bearer.invalid_token()
    if caller.kid.encode() not in kids.split(b","):
        raise bearer.invalid_token()
    # A guest of a site that takes none any more, or whose guests are of another tier since, signs in anew.
    if proved_by == GUEST and not (caller.site.guests and caller.tier == caller.site.guest_tier):
        raise bearer.invalid_token()
