"""The proxy's questions: a request body gives a checked Question."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from rag_backend import strict_json
from rag_backend.problems import Problem

MAX_MESSAGE: Final = 4_000
MAX_SELECTION: Final = 12_000
"""Code points, as the proxy counts them."""
MAX_TURNS: Final = 100
"""Turns of a history; the proxy keeps conversations of 256 KiB."""

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """`selected_text` is "" when nothing is selected; `only_selection` questions have no history."""

    message: str
    only_selection: bool
    selected_text: str
    history: tuple[Turn, ...]


def parse(body: bytes) -> Question:
    """The question in a body. Raises Problem 400 for a body that is not JSON, 422 for JSON that is no
    question."""
    try:
        members = strict_json.loads(body)
    except strict_json.NotStrictJSON:
        raise Problem(400, "invalid_json", "Send one JSON object in UTF-8, each key once.") from None
    if not isinstance(members, dict):
        raise _invalid("Send a JSON object.")
    only_selection = _mode(members.get("mode")) == "selection_only"
    selected_text = _selection(members.get("selected_text"))
    if only_selection and not selected_text:
        raise _invalid("selection_only needs a selected_text.")
    return Question(
        message=_message(members.get("message")),
        only_selection=only_selection,
        selected_text=selected_text,
        # The proxy sends no history with a selection; a history that comes all the same is ignored.
        history=() if only_selection else _history(members.get("history", [])),
    )


def _message(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_MESSAGE:
        raise _invalid(f"message is a text of 1 to {MAX_MESSAGE} characters.")
    return value.strip()


def _mode(value: Any) -> str:
    if value not in ("normal", "selection_only"):
        raise _invalid("mode is normal or selection_only.")
    return str(value)


def _selection(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_SELECTION:
        raise _invalid(f"selected_text is a text of 1 to {MAX_SELECTION} characters, or null.")
    return value.strip()


def _history(value: Any) -> tuple[Turn, ...]:
    if not isinstance(value, list) or len(value) > MAX_TURNS:
        raise _invalid(f"history is a list of at most {MAX_TURNS} turns.")
    return tuple(_turn(item) for item in value)


def _turn(value: Any) -> Turn:
    match value:
        case {"role": "user" | "assistant" as role, "content": str(content)}:
            return Turn(role, content)
    raise _invalid("A turn has a role, user or assistant, and a content.")


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid_question", detail)
