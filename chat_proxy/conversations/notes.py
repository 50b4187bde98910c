"""The sentences that tell a reader why a model did not end its answer by itself."""

from collections.abc import Mapping
from typing import Any, Final

from chat_proxy.parts import Finish

WITHHELD: Final = "The language model's provider held this answer back. Ask in other words."
_NOTES: Final[Mapping[Finish, str]] = {
    "length": "The answer stops here: the language model has reached the length that an answer may have.",
    "content_filter": "The answer stops here: the language model's provider held back the rest.",
}
_FENCE: Final = "```"


def note(text: str, ending: Finish) -> str:
    """The sentence that follows the answer's `text`, set apart from it; "" for a whole answer.

    It is text, so that every client shows it. It is not kept with the answer, and no model is shown it.
    """
    if ending not in _NOTES:
        return ""
    if not text.strip():
        return WITHHELD
    # The fence is closed first: a note within it would be shown as code.
    is_in_code = sum(line.lstrip().startswith(_FENCE) for line in text.split("\n")) % 2
    return ("\n```\n\n" if is_in_code else "\n\n") + _NOTES[ending]


def members(ending: Finish) -> dict[str, Any]:
    """The member `finish_reason` of an answer; none for a whole one."""
    return {"finish_reason": ending} if ending in _NOTES else {}
