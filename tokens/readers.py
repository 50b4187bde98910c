"""Names of the Redis keys of a reader, who is one user at one site (docs/decisions/0014).

The chat proxy writes them, and the broker deletes them with the account. The braces are literal: they are
Redis hash tags. A reader's keys have the user's tag, so that one script decides on them with the session.
"""

from importlib.resources import files
from typing import Final

FORGOTTEN_MS: Final = 600_000
"""The time for which an entry that was withdrawn, or whose texts were erased, is remembered: a rating that is
under way meanwhile has the time of one exchange with Redis."""
ERASE_FEEDBACK: Final = files("tokens").joinpath("lua/erase_feedback.lua").read_text()
"""Script that erases the texts of entries (`feedback_entry`) of one site. The proxy calls it when a
conversation is deleted, and the broker when an account is."""


def reader(sub: str, client_id: str) -> str:
    """The prefix of the keys of one reader."""
    return f"cg:{{{sub}}}:at:{client_id}"


def conversations(owner: str) -> str:
    """Sorted set of a reader's conversation ids by their last question (Redis ms)."""
    return f"{owner}:cs"


def conversation(owner: str, session_id: str) -> str:
    """List of a conversation's messages, each a JSON object. A rated answer ends with its `feedback`."""
    return f"{owner}:c:{session_id}"


def gone(owner: str, session_id: str) -> str:
    """Set of the leases whose answers were under way when the conversation was deleted."""
    return f"{owner}:gone:{session_id}"


def rate(owner: str, tier: str) -> str:
    """Hash: the rest of a reader's rate and of the day's questions, as chat_proxy.redis_keys.state."""
    return f"{owner}:rate:{tier}"


def ratings(owner: str) -> str:
    """Number of a reader's ratings in this minute."""
    return f"{owner}:ratings"


def rated(owner: str) -> str:
    """Sorted set of the answers that a reader rated, by the version of the rating (Redis µs, raised by at
    least one with each)."""
    return f"{owner}:rated"


def feedback(client_id: str) -> str:
    """Sorted set of the rated answers of a site by time (Redis ms): the operator's list, which names no
    reader."""
    return f"cg:{{site:{client_id}}}:feedback"


def feedback_entry(client_id: str, message_id: str) -> str:
    """Hash: `version`, `at` (Redis ms), `rating`, `tier`, `mode`; `question` and `answer` where the site has
    `feedback_text`, until they are erased, which leaves `erased`."""
    return f"{feedback(client_id)}:{message_id}"
