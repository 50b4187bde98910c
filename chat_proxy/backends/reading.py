"""Reading a backend's answer, for every dialect: bounded JSON, texts, citations, counts, and failures."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from chat_proxy.backends import sse
from chat_proxy.backends.dialect import Tell, Usage
from chat_proxy.failures import BACKEND_BUSY, BAD_BACKEND, Failed, Failure
from chat_proxy.parts import Citation, Delta, Part
from tokens import strict_json

MAX_CITATIONS: Final = 50
MAX_TITLE: Final = 512
NO_TEXT: Final = "its answer has no text"
MAX_QUOTE: Final = 4_000
MAX_VALUES: Final = 2_000
"""Values in the JSON of an event or an answer: each costs the event loop most of a microsecond, and the
dialects look at a few of them only."""
MAX_URL: Final = 2_048
"""Characters. A longer title or quote is cut; a cut address would lead elsewhere, so that citation is
dropped."""

MAX_TOKENS: Final = 100_000_000
"""Tokens of one answer that a backend may claim; a larger number is no count."""
BUSY: Final = frozenset({429, 503})
MAX_WAIT: Final = 3600
"""Seconds: the longest Retry-After that is passed on to a reader."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Browsers remove white space and controls from an address, which would turn `java\nscript:` into a scheme.
_HIDDEN = re.compile(r"[\x00-\x20\x7f]")


class Unreadable(Failed):
    """The answer is not of the dialect, or is its `error`; `reason` is for the operator."""

    def __init__(self, reason: str, failure: Failure = BAD_BACKEND) -> None:
        super().__init__(failure)
        self.reason = reason


def busy(seconds: int) -> Failure:
    return replace(BACKEND_BUSY, retry_after=min(max(seconds, 1), MAX_WAIT))


def refusal(status: int, headers: Mapping[str, str]) -> Failure:
    """The failure for a status other than 200. A busy backend says when to come again."""
    wait = headers.get("retry-after", "").strip()
    if status not in BUSY or not wait:
        return BAD_BACKEND
    # RFC 9110 10.2.3 allows a date too; for one the failure's own wait is used.
    return busy(int(wait[:9])) if wait.isascii() and wait.isdigit() else BACKEND_BUSY


def members_of(data: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raises Unreadable."""
    if strict_json.has_more_values(data, MAX_VALUES):
        raise Unreadable(f"its data has more than {MAX_VALUES} values")
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError:
        members = _replaced(data)
    if not isinstance(members, dict):
        raise Unreadable("its data is no JSON object")
    return members


def _replaced(data: bytes) -> Any:
    # HTML 9.2.6: an event stream is decoded as UTF-8, and invalid bytes are replaced.
    try:
        return orjson.loads(data.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        raise Unreadable("its data is no JSON") from None


def text_of(members: dict[str, Any], name: str) -> str:
    """A member that must be a text. Raises Unreadable."""
    text = members.get(name)
    if not isinstance(text, str):
        raise Unreadable(f"{name} is no text")
    return text


def citation_of(members: Any) -> Citation | None:
    """The citation, or None for an address that a page must not link to. Raises Unreadable."""
    if not isinstance(members, dict):
        raise Unreadable("a citation is no JSON object")
    title, url, quote = (text_of(members, name) for name in ("title", "url", "quote"))
    return cited(title, url, quote)


def cited(title: str, url: str, quote: str) -> Citation | None:
    """The citation within its bounds, or None for an address that a page must not link to."""
    scheme = _SCHEME.match(url)
    if len(url) > MAX_URL or _HIDDEN.search(url):
        return None
    if scheme is not None and scheme.group().lower() not in ("http:", "https:"):
        return None
    return Citation(title[:MAX_TITLE], url, quote[:MAX_QUOTE])


def usage_of(members: Any, incoming: str, outgoing: str) -> Usage | None:
    """The tokens that a backend says it used, under its names for those in and out; None where it tells none
    that can be read."""
    if not isinstance(members, dict):
        return None
    counts = members.get(incoming), members.get(outgoing)
    tokens = [one for one in counts if type(one) is int and 0 <= one <= MAX_TOKENS]
    return Usage(*tokens) if len(tokens) == len(counts) else None


class Reading:
    """The bookkeeping that every reader shares: the tokens that the backend says it used, and the bytes that
    were seen."""

    __slots__ = ("_tell", "usage", "written")

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.usage: Usage | None = None
        self.written = 0

    def failed(self, error: Unreadable | sse.TooLong) -> Failure:
        """Tell the operator the reason; returns the failure for the reader."""
        self._tell(error.reason if isinstance(error, Unreadable) else str(error))
        return error.failure if isinstance(error, Unreadable) else BAD_BACKEND


class DocumentReading(Reading, ABC):
    """Collects one JSON answer, which is whole only at the end of the bytes. A dialect adds `_parts`."""

    __slots__ = ("_chunks",)

    def __init__(self, tell: Tell) -> None:
        super().__init__(tell)
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Part]:
        self._chunks.append(chunk)
        return []

    def close(self) -> list[Part]:
        try:
            parts = self._parts(members_of(b"".join(self._chunks)))
        except Unreadable as error:
            self._tell(error.reason)
            raise
        shown = sum(len(part.text.encode()) for part in parts if isinstance(part, Delta))
        # A dialect may know of more than is shown.
        self.written = max(self.written, shown)
        return parts

    @abstractmethod
    def _parts(self, answer: dict[str, Any]) -> list[Part]:
        """The parts of the whole answer. Raises Unreadable."""
