"""Our own dialect, docs/decisions/0002: one JSON body, answered by JSON or by the reader's events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chat_proxy import sse
from chat_proxy.failures import BAD_BACKEND, TORN, Failed, Failure
from chat_proxy.messages import Question

EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"
MAX_CITATIONS: Final = 50
MAX_TITLE: Final = 512
MAX_QUOTE: Final = 4_000
MAX_URL: Final = 2_048
"""Characters. A longer title or quote is cut; a cut address would lead elsewhere, so that citation goes."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Browsers take white space and controls out of an address, which would put `java\nscript:` together again.
_HIDDEN = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    title: str
    url: str
    quote: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is whole."""


Part = Delta | Citation | Done | Failure
DONE: Final = Done()


def body(question: Question, history: Sequence[dict[str, str]]) -> bytes:
    """What is posted: no reader's name and no conversation's id, so no two questions can be joined."""
    return orjson.dumps(
        {
            "message": question.message,
            "mode": question.mode,
            "selected_text": question.selected_text,
            "history": history,
        }
    )


class Events:
    """Reads an event stream. What is not of the dialect, and its `error`, ends it with a Failure."""

    __slots__ = ("_citations", "_is_over", "_parser")

    def __init__(self) -> None:
        self._parser = sse.Parser()
        self._citations = 0
        self._is_over = False

    def feed(self, chunk: bytes) -> list[Part]:
        """The parts that `chunk` completes; Done or a Failure is the last of all."""
        parts: list[Part] = []
        try:
            for name, data in self._parser.feed(chunk):
                if self._is_over:
                    break
                part = self._part(name, data)
                if part is not None:
                    parts.append(part)
        except Failed as error:
            parts.append(error.failure)
        except sse.TooLong:
            parts.append(BAD_BACKEND)
        return parts

    def close(self) -> list[Part]:
        """At the end of the bytes. A stream that did not say `done` was torn."""
        return [] if self._is_over else [TORN]

    def _part(self, name: str, data: bytes) -> Part | None:
        if name == "delta":
            return Delta(_text(_members(data), "text"))
        if name == "citation":
            self._citations += 1
            cited = _citation(_members(data))
            return cited if self._citations <= MAX_CITATIONS else None
        if name == "done":
            self._is_over = True
            return DONE
        if name == "error":
            raise Failed(BAD_BACKEND)
        return None


class Document:
    """Reads one JSON answer, which is whole at the end of the bytes only. `close` raises Failed."""

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Part]:
        self._chunks.append(chunk)
        return []

    def close(self) -> list[Part]:
        answer = _members(b"".join(self._chunks))
        citations = answer.get("citations", [])
        if not isinstance(citations, list):
            raise Failed(BAD_BACKEND)
        cited = [_citation(one) for one in citations[:MAX_CITATIONS]]
        return [Delta(_text(answer, "response")), *(one for one in cited if one is not None), DONE]


READERS: Final[dict[str, type[Events] | type[Document]]] = {EVENT_STREAM: Events, JSON: Document}


def _members(data: bytes) -> dict[str, Any]:
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError:
        members = _replaced(data)
    if not isinstance(members, dict):
        raise Failed(BAD_BACKEND)
    return members


def _replaced(data: bytes) -> Any:
    # An event stream is decoded so, and what is not UTF-8 replaced (HTML 9.2.6).
    try:
        return orjson.loads(data.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        raise Failed(BAD_BACKEND) from None


def _text(members: dict[str, Any], name: str) -> str:
    text = members.get(name)
    if not isinstance(text, str):
        raise Failed(BAD_BACKEND)
    return text


def _citation(members: Any) -> Citation | None:
    """The citation, or None for an address that a page must not link to."""
    if not isinstance(members, dict):
        raise Failed(BAD_BACKEND)
    title, url, quote = (_text(members, name) for name in ("title", "url", "quote"))
    scheme = _SCHEME.match(url)
    if len(url) > MAX_URL or _HIDDEN.search(url):
        return None
    if scheme is not None and scheme.group().lower() not in ("http:", "https:"):
        return None
    return Citation(title[:MAX_TITLE], url, quote[:MAX_QUOTE])
