"""The chunks of an OpenAI-style answer, in the variants that the many gateways send."""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from rag_backend.answers.model_failures import ModelFailed, named

CUT: Final = frozenset({"length", "model_length", "max_tokens"})
FILTERED: Final = "content_filter"
BROKEN: Final = "error"
"""Mistral's and OpenRouter's finish reason for an answer that failed midway."""

_TEXT_TYPES: Final = frozenset({"text", "output_text"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """`finish` is the provider's reason for ending the answer; None before its end."""

    text: str = ""
    finish: str | None = None


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
        raise ModelFailed("it sent what is no stream of chunks")
    if chunk.get("error"):
        raise ModelFailed("it sent an error in its answer", named(chunk))
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Chunk()
    finish = choice.get("finish_reason")
    if finish == BROKEN:
        raise ModelFailed("its answer broke off", named(choice))
    delta = choice.get("delta")
    text = _text(delta) if isinstance(delta, dict) else ""
    return Chunk(text, finish if isinstance(finish, str) and finish else None)


def _text(delta: dict[str, Any]) -> str:
    content = delta.get("content")
    if isinstance(content, list):
        content = "".join(map(_part, content))
    if isinstance(content, str) and content:
        return content
    # A refusal replaces the content: the reader is shown the model's reason for not answering.
    refusal = delta.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    match part:
        case {"type": str(kind), "text": str(text)} if kind in _TEXT_TYPES:
            return text
    return ""
