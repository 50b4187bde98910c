"""JSON as RFC 8259 interoperable senders write it; any other text is refused.

The standard parser lets the last of two equal keys win, reads NaN and 1e400, and keeps lone
surrogates; each of these has made two parsers of one text disagree (RFC 8725 2.4, 3.7).
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

MAX_INTEGER: Final = 9_007_199_254_740_991
"""2**53 - 1: the largest integer that every JSON parser keeps exact (RFC 8259 6)."""
MAX_VALUES: Final = 1_024
"""Values of one text, keys among them: each costs a microsecond of the event loop, however few its bytes."""

_BRACKET: Final = re.compile(rb"[\[\]{}]")
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE+-]*+")
_MAX_INTEGER_DIGITS: Final = 16


class NotStrictJSON(ValueError):
    """The bytes are not the JSON that we accept; the message names the rule and never quotes the content."""


def loads(raw: bytes, *, max_depth: int = 8, max_values: int = MAX_VALUES) -> Any:
    """Parse UTF-8 bytes without a byte order mark, nested at most `max_depth` deep, of at most `max_values`
    values, keys among them. Both are counted before anything is parsed.

    Raises NotStrictJSON for anything else: other encodings, duplicate keys, NaN, Infinity and
    numbers that become them, integers beyond 2**53 - 1, lone surrogates.
    """
    text = _Text(raw, max_values)
    text.require_few(max_depth)
    try:
        value = orjson.loads(raw)
    except ValueError:
        raise NotStrictJSON("the text is not JSON in UTF-8") from None
    members, has_doubles = 0, False
    for one in _walk(value):
        if isinstance(one, dict):
            members += len(one)
        elif isinstance(one, float):
            has_doubles = True
            if not math.isfinite(one):
                raise NotStrictJSON("a number is too large")
        elif isinstance(one, int) and abs(one) > MAX_INTEGER:
            raise NotStrictJSON("a number is too large")
    # Each member has one colon, and of two members with the same key only one is left.
    if members != raw.count(b":") and members != text.outside.count(b":"):
        raise NotStrictJSON("an object has the same key twice")
    # orjson reads an integer of more than 64 bits as a double.
    if has_doubles and any(map(_is_large_integer, _NUMBER.findall(text.outside))):
        raise NotStrictJSON("a number is too large")
    return value


def has_more_values(raw: bytes, most: int) -> bool:
    """Return True if JSON, of any form, has more values than `most`, keys among them; it is only scanned."""
    # Each value takes a byte at least. Events, which are short and many, are not scanned at all.
    if len(raw) <= most:
        return False
    text = _Text(raw, most)
    try:
        text.require_few(len(raw))
    except NotStrictJSON:
        return True
    return False


class _Text:
    """A text that is not parsed yet, and perhaps no JSON."""

    def __init__(self, raw: bytes, max_values: int) -> None:
        self._raw = raw
        self._max_values = max_values
        self._outside: bytes | None = None

    @property
    def outside(self) -> bytes:
        """The text outside strings; each string leaves a quotation mark."""
        if self._outside is None:
            raw = self._raw
            if b"\\" in raw:
                # Each two of a run of backslashes are one; one that is left over escapes the next character.
                raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
            if raw.count(b'"') > 2 * self._max_values:
                raise self._too_many()
            self._outside = b'"'.join(raw.split(b'"')[::2])
        return self._outside

    def require_few(self, max_depth: int) -> None:
        """Count first with the strings included, which is enough for most texts, as they are short."""
        brackets = _brackets(self._raw)
        if brackets > max_depth or brackets + _separators(self._raw) >= self._max_values:
            brackets = _brackets(self.outside)
            if brackets + _separators(self.outside) >= self._max_values:
                raise self._too_many()
            if brackets > max_depth:
                _refuse_depth(self.outside, max_depth)

    def _too_many(self) -> NotStrictJSON:
        return NotStrictJSON(f"the text has more than {self._max_values} values")


def _brackets(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _separators(text: bytes) -> int:
    """The number of commas and colons: each value but the first follows one of these, or a bracket."""
    return text.count(b",") + text.count(b":")


def _is_large_integer(literal: bytes) -> bool:
    digits = literal.removeprefix(b"-")
    return len(digits) > _MAX_INTEGER_DIGITS and digits.isdigit()


def _refuse_depth(outside: bytes, max_depth: int) -> None:
    depth = 0
    for mark in _BRACKET.findall(outside):
        if mark in b"[{":
            depth += 1
            if depth > max_depth:
                raise NotStrictJSON(f"the text is nested more than {max_depth} deep")
        else:
            depth -= 1


def _walk(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
