"""What a reader may ask: from a parsed body to a Question, or a refusal that names the member.

Lengths are Unicode code points, counted after normalisation; the widget counts alike.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from edge.problems import Problem

MAX_MESSAGE: Final = 4_000
MAX_SELECTION: Final = 12_000
SESSION_ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
MAX_DECOMPOSED: Final = 3 * MAX_SELECTION
"""NFC makes one code point of at most three (a Hangul syllable of its letters), so a longer text is refused
before it is normalised."""
MAX_UNORDERED_MARKS: Final = 128
"""Combining marks in one run, when they are out of canonical order: sorting 130,000 of them takes 9 s. UAX 15
calls 30 enough for any language."""

Mode = Literal["normal", "selection_only"]
MODES: Final = ("normal", "selection_only")

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEMBERS: Final = frozenset({"message", "session_id", "mode", "selected_text"})
# What ECMAScript's `trim` removes, so that the widget's count is ours; Python's `strip` also takes U+001C to
# U+001F and U+0085.
_WHITESPACE: Final = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_REPLACED: Final = str.maketrans({"\xa0": " ", "\u200b": None, "\ufeff": None})


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


def parse(body: Any) -> Question:
    """The question in a JSON body. Raises Problem 422."""
    if not isinstance(body, dict):
        raise _invalid("invalid_body", "Send a JSON object.")
    if not body.keys() <= _MEMBERS:
        raise _invalid("unknown_member", f"The members are {', '.join(sorted(_MEMBERS))}.")
    mode = body.get("mode", "normal")
    if not isinstance(mode, str) or mode not in MODES:
        raise _invalid("invalid_mode", "mode is normal or selection_only.")
    selected_text = _selected_text(body)
    if mode == "selection_only" and selected_text is None:
        raise _invalid("invalid_selected_text", "selection_only needs a selected_text.")
    return Question(_message(body), cast("Mode", mode), _session_id(body), selected_text)


def normalise(selected_text: str) -> str:
    """CRLF to LF, NBSP to space, U+200B and U+FEFF dropped, NFC, trimmed.

    Raises Problem 422 for a text that would be costly to normalise.
    """
    text = selected_text.replace("\r\n", "\n").translate(_REPLACED)
    if not text.isascii():
        if len(text) > MAX_DECOMPOSED or _has_costly_marks(text):
            raise _too_long()
        text = unicodedata.normalize("NFC", text)
    return text.strip(_WHITESPACE)


def _has_costly_marks(text: str) -> bool:
    length, previous, unordered = 0, 0, False
    for character in text:
        rank = unicodedata.combining(character)
        if rank == 0:
            length, unordered = 0, False
        else:
            length += 1
            unordered = unordered or rank < previous
            if unordered and length > MAX_UNORDERED_MARKS:
                return True
        previous = rank
    return False


def _message(body: dict[str, Any]) -> str:
    message = body.get("message")
    if isinstance(message, str):
        message = message.strip(_WHITESPACE)
        if 1 <= len(message) <= MAX_MESSAGE:
            return message
    raise _invalid("invalid_message", f"message is a text of 1 to {MAX_MESSAGE} code points.")


def _session_id(body: dict[str, Any]) -> str | None:
    if "session_id" not in body:
        return None
    session_id = body["session_id"]
    if isinstance(session_id, str) and _SESSION_ID.fullmatch(session_id):
        return session_id
    raise _invalid("invalid_session_id", "session_id is 1 to 64 letters, digits, - and _.")


def _selected_text(body: dict[str, Any]) -> str | None:
    if "selected_text" not in body:
        return None
    if isinstance(body["selected_text"], str):
        text = normalise(body["selected_text"])
        if 1 <= len(text) <= MAX_SELECTION:
            return text
    raise _too_long()


def _too_long() -> Problem:
    return _invalid("invalid_selected_text", f"selected_text is a text of 1 to {MAX_SELECTION} code points.")


def _invalid(code: str, detail: str) -> Problem:
    return Problem(422, code, detail)
