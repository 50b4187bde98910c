"""The answers of chat completions, streamed or whole, in the variants that the many gateways send."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chat_proxy.backends import meter, reading, sse
from chat_proxy.backends.dialect import Passage, Tell, Usage
from chat_proxy.backends.reading import MAX_CITATIONS, NO_TEXT, DocumentReading, Reading, Unreadable
from chat_proxy.backends.source_numbers import SourceNumbers
from chat_proxy.backends.thoughts import Thoughts
from chat_proxy.failures import BACKEND_BUSY, BAD_BACKEND, TORN
from chat_proxy.parts import Citation, Delta, Done, Finish, Part

END: Final = b"[DONE]"
BROKEN: Final = "error"
"""Mistral's and OpenRouter's finish reason for an answer that failed midway."""
FINISHES: Final[Mapping[str, Finish]] = {
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
"""Every other reason counts as a whole answer."""

_TEXT_TYPES: Final = frozenset({"text", "output_text"})
_BUSY_CODES: Final = frozenset({"429", "503", "529", "rate_limit_exceeded", "overloaded_error"})
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


class _Answer:
    """An answer's visible text and its citations: without thoughts, and without the numbers by which the
    model names the passages that it was given."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._thoughts = Thoughts()
        self._numbers = SourceNumbers()
        self._cited: dict[str, Citation] = {}
        self.has_text = False
        self.finish: str | None = None

    def say(self, text: str) -> list[Part]:
        return self._shown(self._thoughts.feed(text))

    def cite(self, found: Citation | None) -> None:
        if found is not None and len(self._cited) < MAX_CITATIONS:
            self._cited.setdefault(found.url, found)

    def end(self) -> list[Part]:
        """The rest of the text, the citations and Done. Raises Unreadable for an answer without a word."""
        finish = FINISHES.get(self.finish or "", "stop")
        parts = self._shown(self._thoughts.rest())
        rest = self._numbers.rest() if self._passages else ""
        self.has_text = self.has_text or bool(rest.strip())
        if not self.has_text and finish != "content_filter":
            # If the reader asks again it may work; an empty answer would spoil the conversation.
            raise Unreadable(NO_TEXT if finish == "stop" else "it reached its length without a word")
        for number in self._numbers.numbers:
            if 0 < number <= len(self._passages):
                passage = self._passages[number - 1]
                self.cite(reading.cited(passage.title, passage.url, passage.quote))
        return [*parts, *([Delta(rest)] if rest else []), *self._cited.values(), Done(finish)]

    def _shown(self, text: str) -> list[Part]:
        text = self._numbers.feed(text) if self._passages else text
        self.has_text = self.has_text or bool(text.strip())
        return [Delta(text)] if text else []


class Chunks(Reading):
    """Reads a stream of chunks. An `error` object, or data that is no JSON object, ends it with a Failure.

    Chunks without a choice, a delta or content are passed over: providers send roles, usage, filter results
    and reasoning in that form.
    """

    __slots__ = ("_answer", "_counted", "_is_over", "_parser", "_told")

    def __init__(self, passages: Sequence[Passage], tell: Tell) -> None:
        super().__init__(tell)
        self._parser = sse.Parser()
        self._answer = _Answer(passages)
        self._is_over = False
        self._told: Usage | None = None
        self._counted = 0

    def feed(self, chunk: bytes) -> list[Part]:
        """The parts that `chunk` completes; no part follows Done or a Failure."""
        parts: list[Part] = []
        try:
            for name, data in self._parser.feed(chunk):
                if not self._is_over:
                    parts += self._event(name, data.strip())
        except (Unreadable, sse.TooLong) as error:
            parts.append(self.failed(error))
        return parts

    def close(self) -> list[Part]:
        """The end of the bytes. A stream that ended before its finish reason was torn; `[DONE]` may be
        missing."""
        if self._is_over:
            return []
        if self._answer.finish is None:
            self._tell("its stream ended without a finish_reason")
            return [TORN]
        try:
            return self._end()
        except Unreadable as error:
            return [self.failed(error)]

    def _event(self, name: str, data: bytes) -> list[Part]:
        if data == END:
            return self._end()
        if not data:
            return []
        chunk = reading.members_of(data)
        if chunk.get("error") or name == "error":
            raise told(chunk.get("error"))
        choice = _first(chunk)
        finish = choice.get("finish_reason")
        if finish == BROKEN:
            raise Unreadable("its answer broke off")
        if isinstance(finish, str) and finish:
            self._answer.finish = finish
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        for found in citations(delta):
            self._answer.cite(found)
        text = content(delta)
        self.written += _size(delta)
        self._count(_usage(chunk))
        return self._answer.say(text) if text else []

    def _count(self, told: Usage | None) -> None:
        """Some servers tell of tokens in the first chunk, some in each: text after the last count is added to
        it, so that a stream that is cut has what came."""
        if told is not None:
            self._told, self._counted = told, self.written
        if self._told is not None:
            uncounted = meter.tokens(self.written - self._counted)
            self.usage = Usage(self._told.tokens_in, self._told.tokens_out + uncounted)

    def _end(self) -> list[Part]:
        parts = self._answer.end()
        self._is_over = True
        return parts


class Completion(DocumentReading):
    """Reads one whole completion, from a server that does not stream."""

    __slots__ = ("_passages",)

    def __init__(self, passages: Sequence[Passage], tell: Tell) -> None:
        super().__init__(tell)
        self._passages = passages

    def _parts(self, answer: dict[str, Any]) -> list[Part]:
        if answer.get("error"):
            raise told(answer["error"])
        self.usage = _usage(answer)
        choice = _first(answer)
        message = choice.get("message")
        if not isinstance(message, dict):
            raise Unreadable("it has no message")
        finish = choice.get("finish_reason")
        if finish == BROKEN:
            raise Unreadable("its answer broke off")
        self.written = _size(message)
        whole = _Answer(self._passages)
        whole.finish = finish if isinstance(finish, str) else None
        for found in citations(message):
            whole.cite(found)
        return [*whole.say(content(message)), *whole.end()]


def told(error: Any) -> Unreadable:
    """The failure for an `error` object within an answer."""
    members = error if isinstance(error, dict) else {}
    code = next((str(members[name]) for name in ("code", "type") if members.get(name) is not None), "")
    failure = BACKEND_BUSY if code in _BUSY_CODES else BAD_BACKEND
    return Unreadable(f"it told of an error: {code if _NAME.fullmatch(code) else 'without a code'}", failure)


def content(delta: Mapping[str, Any]) -> str:
    """The text of a delta or a message: a string, or a list of parts. A refusal takes its place, as the
    model's reason for not answering."""
    found = delta.get("content")
    if isinstance(found, list):
        found = "".join(map(_part, found))
    if isinstance(found, str) and found:
        return found
    refusal = delta.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def citations(delta: Mapping[str, Any]) -> list[Citation | None]:
    """The web pages that a server which retrieves by itself names as its sources (`url_citation`)."""
    found = delta.get("annotations")
    pages = (
        [one.get("url_citation") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    )
    cited: list[Citation | None] = []
    for page in pages:
        match page:
            case {"url": str(url), "title": str(title)}:
                cited.append(reading.cited(title, url, ""))
            case {"url": str(url)}:
                cited.append(reading.cited(url, url, ""))
    return cited


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    match part:
        case {"type": str(kind), "text": str(text)} if kind in _TEXT_TYPES:
            return text
    return ""


def _first(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _size(delta: Mapping[str, Any]) -> int:
    """Bytes of a delta's or a message's text and of its thought, which is paid for and not shown."""
    return len(content(delta).encode("utf-8", "replace")) + _thought(delta)


def _thought(delta: Mapping[str, Any]) -> int:
    for name in ("reasoning_content", "reasoning"):
        thought = delta.get(name)
        if isinstance(thought, str):
            return len(thought.encode("utf-8", "replace"))
    return 0


def _usage(answer: Mapping[str, Any]) -> Usage | None:
    return reading.usage_of(answer.get("usage"), "prompt_tokens", "completion_tokens")
