"""The visible text of an answer: the model's text without its thoughts, and a note where it was cut."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from rag_backend.answers import chunks, thoughts
from rag_backend.answers.model import Ended
from rag_backend.answers.model_failures import ModelFailed
from rag_backend.answers.parts import Used
from rag_backend.answers.thoughts import Thoughts

CUT: Final = "The answer stops here: the language model has reached the length that an answer may have."
FILTERED: Final = "The answer stops here: the language model's provider held back the rest."
WITHHELD: Final = "The language model's provider held this answer back. Ask in other words."
_NOTES: Final = (CUT, FILTERED, WITHHELD)


@dataclass(frozen=True, slots=True)
class Note:
    """Our own note after the model's text. `text` begins with the blank line that sets it apart."""

    text: str


async def heard(pieces: AsyncGenerator[str | Ended, None]) -> AsyncGenerator[str | Note | Used, None]:
    """The texts for the reader, then a Note when the answer was cut, then Used.

    Raises ModelFailed as `pieces` does, and for an answer without a word: in a conversation's history it
    would spoil every later question, because some providers refuse an empty turn.
    """
    aloud = Thoughts()
    has_spoken = False
    async with aclosing(pieces):
        async for piece in pieces:
            text = aloud.rest() if isinstance(piece, Ended) else aloud.feed(piece)
            has_spoken = has_spoken or bool(text.strip())
            if text:
                yield text
            if isinstance(piece, Ended):
                note = _note(piece.reason, has_spoken, aloud.is_in_code)
                if note:
                    yield Note(note)
                yield piece.used


def remembered(text: str) -> str:
    """An earlier answer in the form that the model is shown: its own words only, or ""."""
    for note in _NOTES:
        text = text.rstrip().removesuffix(note)
    return thoughts.without(text)


def _note(reason: str, has_spoken: bool, is_in_code: bool) -> str:
    if not has_spoken:
        if reason == chunks.FILTERED:
            return WITHHELD
        why = f"by {reason}" if reason in chunks.CUT else "by itself"
        raise ModelFailed(f"it ended {why} without a word")
    # The fence is closed first: a note within it would be shown as code.
    before = "\n```\n\n" if is_in_code else "\n\n"
    if reason in chunks.CUT:
        return before + CUT
    return before + FILTERED if reason == chunks.FILTERED else ""
