"""OpenAI chat completions, as LiteLLM, llama.cpp, vLLM, Ollama and hosted services take them.

Model, system prompt, parameters and key are the operator's. The reader's words are a user message, or one
member of it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from chat_proxy.backends import prompts, reading
from chat_proxy.backends.dialect import Asked, Reader, Request, Tell
from chat_proxy.backends.openai_answers import Chunks, Completion
from chat_proxy.config import Backend
from chat_proxy.failures import BACKEND_BUSY, Failure
from chat_proxy.media_types import EVENT_STREAM, JSON

OVERLOADED: Final = 529
"""Anthropic's status for "overloaded", which gateways pass on."""

# A code is a name. Any other text may be the question, which providers quote in their messages.
_NAME = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")


class OpenAI:
    """Always asks for a stream, whose first bytes come at once: a model may think for minutes. A server that
    answers with one document all the same is understood."""

    # A chunk has some 250 bytes around a token of four, and the model's thoughts travel beside its text.
    overhead = 64
    max_explanation = 65_536

    def request(self, backend: Backend, asked: Asked, *, live: bool, now: float) -> Request:
        members = {
            "model": backend.model,
            "messages": prompts.messages(backend.system_prompt, asked),
            "stream": True,
            # vLLM, llama.cpp and OpenAI count tokens in a stream only when they are asked to.
            "stream_options": {"include_usage": True},
            backend.max_tokens_name: backend.max_tokens,
            **backend.parameters,
        }
        body = orjson.dumps({name: value for name, value in members.items() if value is not None})
        headers = {"Content-Type": JSON, "Accept": EVENT_STREAM}
        if backend.key:
            headers["Authorization"] = f"Bearer {backend.key}"
        return Request(body, headers)

    def reader(self, media_type: str, asked: Asked, tell: Tell) -> Reader | None:
        if media_type == EVENT_STREAM:
            return Chunks(asked.passages or (), tell)
        return Completion(asked.passages or (), tell) if media_type == JSON else None

    def refusal(self, status: int, headers: Mapping[str, str]) -> Failure:
        """A provider that is busy need not say for how long."""
        if status in (*reading.BUSY, OVERLOADED):
            found = reading.refusal(min(status, 503), headers)
            return found if found.status == BACKEND_BUSY.status else BACKEND_BUSY
        return reading.refusal(status, headers)

    def explanation(self, body: bytes) -> str:
        return named(_parsed(body))


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def named(error: Any) -> str:
    """`code`, `type` and `param` of an error, as far as each is one word: a message may quote the
    question."""
    if isinstance(error, list) and error:
        # Gemini's OpenAI-style endpoint answers with a list of one.
        error = error[0]
    members = error.get("error", error) if isinstance(error, dict) else None
    if not isinstance(members, dict):
        return ""
    # vLLM and Gemini give a number as the code.
    found = {name: str(members[name]) for name in ("code", "type", "param") if members.get(name) is not None}
    return ", ".join(f"{name} {value}" for name, value in found.items() if _NAME.fullmatch(value))
