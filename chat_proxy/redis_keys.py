"""Redis keys that the proxy alone uses, and its Lua scripts. The braces in the names are hash tags."""

from importlib.resources import files
from typing import Final

from edge.redis.client import Script
from tokens import readers


def user(sub: str) -> str:
    """The prefix of one user's keys; it shares the hash tag of tokens.liveness."""
    return f"cg:{{{sub}}}"


def site(client_id: str) -> str:
    """The prefix of one site's keys. The colon keeps its tag apart from any user's."""
    return f"cg:{{site:{client_id}}}"


def address(bucket: str, client_id: str) -> str:
    """The prefix of the keys of one guest address or network at a site."""
    return f"cg:{{address:{bucket}}}:at:{client_id}"


def state(owner: str, tier: str = "") -> str:
    """Hash: `tat` (GCRA, Redis ms), `interval` (ms, that of `tat`), `day` (since the epoch), and of that day
    the `count` of questions, and for a budget their `tokens` and their `cost` (millionths). Each tier has a
    hash of its own: at one tier's faster rate another's burst would be whole again too soon."""
    return readers.rate(owner, tier) if tier else f"{owner}:rate"


def leases(owner: str) -> str:
    """Sorted set of the leases of running answers by their expiry (Redis ms)."""
    return f"{owner}:leases"


def held(owner: str) -> str:
    """Hash: the tokens and the cost (millionths) that each running answer may still take, by its lease, and
    their sum under `+`. Only where there is a limit of either."""
    return f"{owner}:held"


def settled(owner: str) -> str:
    """Sorted set of the leases that were settled in the last two minutes, by then (Redis ms). Only
    where there is a budget: elsewhere the lease tells whether an answer was counted."""
    return f"{owner}:settled"


def usage(client_id: str) -> str:
    """Hash: `day` (since the epoch), and by `day|backend|tier` the number of a site's questions, their tokens
    in and out, and their cost (millionths), with spaces between."""
    return f"{site(client_id)}:usage"


def spenders(client_id: str) -> str:
    """Sorted set of the users of a site by the tokens of their questions of this day."""
    return f"{site(client_id)}:spenders"


def _script(*names: str) -> Script:
    folder = files("chat_proxy").joinpath("lua")
    return Script("".join(folder.joinpath(f"{name}.lua").read_text() for name in names))


ADMIT: Final = _script("session", "proof", "budget", "limits", "admit")
RESERVE: Final = _script("time", "budget", "limits", "reserve")
RENEW: Final = _script("session", "renew")
EXTEND: Final = _script("time", "extend")
FREE: Final = _script("time", "budget", "free")
RELEASE: Final = _script("time", "budget", "settle", "keep", "release")
SETTLE: Final = _script("time", "budget", "settle", "settle_one")
KEEP: Final = _script("time", "keep", "keep_one")
CHECK: Final = _script("session", "proof", "check")
LIST: Final = _script("list_conversations")
DELETE: Final = _script("delete_conversation")
RATE: Final = _script("session", "rate_answer")
NOTE: Final = _script("time", "note_feedback")
ERASE: Final = Script(readers.ERASE_FEEDBACK)
