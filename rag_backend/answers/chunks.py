"""The chunks of an OpenAI-style answer, in the variants that the many gateways send."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from rag_backend.answers import usage
from rag_backend.answers.model_failures import ModelFailed, named
from rag_backend.answers.parts import Used

CUT: Final = frozenset({"length", "model_length", "max_tokens"})
FILTERED: Final = "content_filter"
BROKEN: Final = "error"
"""Mistral's and OpenRouter's finish reason for an answer that failed midway."""

_TEXT_TYPES: Final = frozenset({"text", "output_text"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """`finish` is the provider's reason for ending the answer; None before its end.

    `thought` counts the bytes of a thought, which is paid for and not shown; `used` is what the provider says
    the answer took so far.
    """

    text: str = ""
    finish: str | None = None
    thought: int = 0
    used: Used | None = None


def read(value: bytes) -> Chunk:
    """The chunk in the data of one event. Raises ModelFailed for an error and for data that is no JSON
    object.

    An object without a choice, a choice without a delta, and unknown members are harmless: providers send
    usage, filter results, reasoning and roles in that form.
    """
    if not value:
        return Chunk()
    try:
        chunk: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        chunk = None
    if not isinstance(chunk, dict):
        raise ModelFailed("it sent no stream of chunks")
    if chunk.get("error"):
        raise ModelFailed("it sent an error in its answer", named(chunk))
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    used = usage.told(chunk)
    if not isinstance(choice, dict):
        return Chunk(used=used)
    finish = choice.get("finish_reason")
    if finish == BROKEN:
        raise ModelFailed("its answer broke off", named(choice))
    finish = finish if isinstance(finish, str) and finish else None
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return Chunk("", finish, used=used)
    return Chunk(_text(delta), finish, _thought(delta), used)


def _text(delta: dict[str, Any]) -> str:
    content = delta.get("content")
    if isinstance(content, list):
        content = "".join(map(_part, content))
    if isinstance(content, str) and content:
        return content
    # A refusal replaces the content: the reader is shown the model's reason for not answering.
    refusal = delta.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def _thought(delta: dict[str, Any]) -> int:
    for name in ("reasoning_content", "reasoning"):
        thought = delta.get(name)
        if isinstance(thought, str):
            return len(thought.encode("utf-8", "replace"))
    return 0


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    match part:
        case {"type": str(kind), "text": str(text)} if kind in _TEXT_TYPES:
            return text
    return ""
