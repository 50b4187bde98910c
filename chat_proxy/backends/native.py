"""Our own dialect, docs/decisions/0002: one JSON body, answered by JSON or by a stream of events."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from chat_proxy.backends import reading, sse
from chat_proxy.backends.dialect import Asked, Reader, Request, Tell, Usage
from chat_proxy.backends.internal_token import internal_token
from chat_proxy.backends.reading import MAX_CITATIONS, NO_TEXT, DocumentReading, Reading, Unreadable
from chat_proxy.config import Backend
from chat_proxy.failures import BAD_BACKEND, TORN, Failure
from chat_proxy.media_types import EVENT_STREAM, JSON
from chat_proxy.parts import DONE, Delta, Done, Part

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Events(Reading):
    """Reads an event stream. Data that is not of the dialect, or its `error` event, ends it with a
    Failure."""

    __slots__ = ("_citations", "_has_text", "_is_over", "_parser")

    def __init__(self, tell: Tell) -> None:
        super().__init__(tell)
        self._parser = sse.Parser()
        self._has_text = False
        self._citations = 0
        self._is_over = False

    def feed(self, chunk: bytes) -> list[Part]:
        """The parts that `chunk` completes; no part follows Done or a Failure."""
        parts: list[Part] = []
        try:
            for name, data in self._parser.feed(chunk):
                if self._is_over:
                    break
                part = self._part(name, data)
                if part is not None:
                    parts.append(part)
        except (Unreadable, sse.TooLong) as error:
            parts.append(self.failed(error))
        return parts

    def close(self) -> list[Part]:
        """The end of the bytes. A stream that ended without `done` was torn."""
        if self._is_over:
            return []
        self._tell("its stream ended without done")
        return [TORN]

    def _part(self, name: str, data: bytes) -> Part | None:
        if name == "delta":
            text = reading.text_of(reading.members_of(data), "text")
            self._has_text = self._has_text or bool(text.strip())
            self.written += len(text.encode())
            return Delta(text)
        if name == "citation":
            self._citations += 1
            cited = reading.citation_of(reading.members_of(data))
            return cited if self._citations <= MAX_CITATIONS else None
        if name == "done":
            return self._done(data)
        if name == "error":
            raise _told(reading.members_of(data))
        return None

    def _done(self, data: bytes) -> Done:
        if not self._has_text:
            raise Unreadable(NO_TEXT)
        self._is_over = True
        if data.strip() not in (b"", b"{}"):
            self.usage = _usage(reading.members_of(data))
        return DONE


class Document(DocumentReading):
    """Reads one JSON answer."""

    __slots__ = ()

    def _parts(self, answer: dict[str, Any]) -> list[Part]:
        if isinstance(answer.get("error"), dict):
            raise _told(answer["error"])
        text = reading.text_of(answer, "response")
        if not text.strip():
            raise Unreadable(NO_TEXT)
        citations = answer.get("citations", [])
        if not isinstance(citations, list):
            raise Unreadable("citations is no list")
        cited = [reading.citation_of(one) for one in citations[:MAX_CITATIONS]]
        self.usage = _usage(answer)
        return [Delta(text), *(one for one in cited if one is not None), DONE]


_READERS: Final[dict[str, type[Events] | type[Document]]] = {EVENT_STREAM: Events, JSON: Document}


class Native:
    """Authenticates the proxy by a token for exactly the body (chat_proxy.backends.internal_token)."""

    overhead = 1
    max_explanation = 0

    def request(self, backend: Backend, asked: Asked, *, live: bool, now: float) -> Request:
        """The request names no reader and no conversation, so that a backend cannot link two questions."""
        question = asked.question
        body = orjson.dumps(
            {
                "message": question.message,
                "mode": question.mode,
                "selected_text": question.selected_text,
                "history": asked.history,
            }
        )
        headers = {
            "Content-Type": JSON,
            "Accept": EVENT_STREAM if live else JSON,
            "Authorization": f"Bearer {internal_token(backend, body, now)}",
        }
        return Request(body, headers)

    def reader(self, media_type: str, asked: Asked, tell: Tell) -> Reader | None:
        kind = _READERS.get(media_type)
        return None if kind is None else kind(tell)

    def refusal(self, status: int, headers: Mapping[str, str]) -> Failure:
        return reading.refusal(status, headers)

    def explanation(self, body: bytes) -> str:
        return ""


def _usage(members: dict[str, Any]) -> Usage | None:
    return reading.usage_of(members.get("usage"), "input_tokens", "output_tokens")


def _told(error: dict[str, Any]) -> Unreadable:
    """The failure that a backend reports in its answer."""
    code, wait = error.get("code"), error.get("retry_after")
    named = code if isinstance(code, str) and _CODE.fullmatch(code) else "without a code"
    # Python's booleans are integers, and True would be read as one second.
    failure = reading.busy(wait) if isinstance(wait, int) and wait is not True else BAD_BACKEND
    return Unreadable(f"it told of an error: {named}", failure)
