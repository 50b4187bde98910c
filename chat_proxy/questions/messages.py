"""The rules of a question: a parsed body gives a Question, or a refusal that names the member.

Lengths are Unicode code points, counted after the normalisation of chat_proxy.questions.texts; the widget
counts alike.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from chat_proxy.questions import texts
from edge.http.problems import Problem

MAX_MESSAGE: Final = 4_000
MAX_SELECTION: Final = 12_000
SESSION_ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"

Mode = Literal["normal", "selection_only"]
MODES: Final = ("normal", "selection_only")

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEMBERS: Final = frozenset({"message", "session_id", "mode", "selected_text"})


@dataclass(frozen=True, slots=True)
class Question:
    """`session_id` is None when the reader named no conversation."""

    message: str
    mode: Mode
    session_id: str | None
    selected_text: str | None

    @property
    def wants_history(self) -> bool:
        return self.mode == "normal"


def parse(body: Any) -> Generator[None, None, Question]:
    """Returns the question in a JSON body. Raises Problem 422.

    Yields where the event loop may serve others.
    """
    if not isinstance(body, dict):
        raise _invalid("invalid_body", "Send a JSON object.")
    if not body.keys() <= _MEMBERS:
        raise _invalid("unknown_member", f"The members are {', '.join(sorted(_MEMBERS))}.")
    mode = body.get("mode", "normal")
    if not isinstance(mode, str) or mode not in MODES:
        raise _invalid("invalid_mode", "mode is normal or selection_only.")
    selected_text = yield from _selected_text(body)
    if mode == "selection_only" and selected_text is None:
        raise _invalid("invalid_selected_text", "selection_only needs a selected_text.")
    return Question(_message(body), cast("Mode", mode), _session_id(body), selected_text)


def _message(body: dict[str, Any]) -> str:
    message = body.get("message")
    if isinstance(message, str):
        text = texts.message(message)
        if text and len(text) <= MAX_MESSAGE:
            return text
    raise _invalid("invalid_message", f"message is a text of 1 to {MAX_MESSAGE} code points.")


def _session_id(body: dict[str, Any]) -> str | None:
    if "session_id" not in body:
        return None
    session_id = body["session_id"]
    if isinstance(session_id, str) and _SESSION_ID.fullmatch(session_id):
        return session_id
    raise _invalid("invalid_session_id", "session_id is 1 to 64 letters, digits, - and _.")


def _selected_text(body: dict[str, Any]) -> Generator[None, None, str | None]:
    if "selected_text" not in body:
        return None
    if isinstance(body["selected_text"], str):
        text = yield from texts.selection(body["selected_text"], MAX_SELECTION)
        if text and len(text) <= MAX_SELECTION:
            return text
    raise _invalid(
        "invalid_selected_text",
        f"selected_text is a text of 1 to {MAX_SELECTION} code points, of which no more than"
        f" {texts.MAX_JOINED} marks stand in a row.",
    )


def _invalid(code: str, detail: str) -> Problem:
    return Problem(422, code, detail)
