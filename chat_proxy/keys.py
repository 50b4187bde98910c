"""Redis keys that the proxy alone uses, and its Lua scripts. The braces in the names are hash tags."""

from importlib.resources import files
from typing import Final

from edge.store import Script


def user(sub: str) -> str:
    """What the names of one user's keys begin with; it shares the tag of tokens.liveness."""
    return f"cg:{{{sub}}}"


def site(client_id: str) -> str:
    """One site's keys. The colon keeps its tag apart from any user's."""
    return f"cg:{{site:{client_id}}}"


def address(bucket: str) -> str:
    """The keys of one guest address or network."""
    return f"cg:{{address:{bucket}}}"


def state(owner: str) -> str:
    """Hash: `tat` (GCRA, Redis ms), `day` (since the epoch) and `count` of that day's questions."""
    return f"{owner}:rate"


def leases(owner: str) -> str:
    """Sorted set of the leases of running answers by their end (Redis ms)."""
    return f"{owner}:leases"


def conversations(sub: str) -> str:
    """Sorted set of a user's conversation ids by their last question (Redis ms)."""
    return f"{user(sub)}:cs"


def conversation(sub: str, session_id: str) -> str:
    """List of a conversation's messages, each a JSON object."""
    return f"{user(sub)}:c:{session_id}"


def gone(sub: str, session_id: str) -> str:
    """Set of the leases whose answers were under way when the conversation was deleted."""
    return f"{user(sub)}:gone:{session_id}"


def _script(*names: str) -> Script:
    folder = files("chat_proxy").joinpath("lua")
    return Script("".join(folder.joinpath(f"{name}.lua").read_text() for name in names))


ADMIT: Final = _script("session", "proof", "limits", "admit")
RESERVE: Final = _script("time", "limits", "reserve")
RENEW: Final = _script("session", "renew")
EXTEND: Final = _script("time", "extend")
FREE: Final = _script("free")
KEEP: Final = _script("time", "keep")
CHECK: Final = _script("session", "proof", "check")
LIST: Final = _script("list_conversations")
DELETE: Final = _script("delete_conversation")
