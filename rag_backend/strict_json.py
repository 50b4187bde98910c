"""JSON that every parser reads alike (RFC 8259): a token and a question are judged by its content.

It equals tokens.strict_json, which it does not import: a backend is a program of its own.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 8
MAX_VALUES: Final = 1_024
MAX_INTEGER: Final = 9_007_199_254_740_991
"""2**53 - 1: the largest integer that every JSON reader keeps exact (RFC 8259 6)."""

_BRACKET: Final = re.compile(rb"[\[\]{}]")
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE+-]*+")
_MAX_INTEGER_DIGITS: Final = 16


class NotStrictJSON(ValueError):
    """The bytes are not such JSON; the message never holds the content."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 bytes. Raises NotStrictJSON for other encodings, a byte order mark, nesting beyond
    MAX_DEPTH, more than MAX_VALUES values, duplicate keys, NaN, numbers that no double keeps, and lone
    surrogates.
    """
    text = _Text(raw, MAX_VALUES)
    text.require_few(MAX_DEPTH)
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
    # Each member has one colon, and of two members with the same key the parser keeps one.
    if members != raw.count(b":") and members != text.outside.count(b":"):
        raise NotStrictJSON("an object has the same key twice")
    # orjson reads an integer that does not fit in 64 bits as a double.
    if has_doubles and any(map(_is_large_integer, _NUMBER.findall(text.outside))):
        raise NotStrictJSON("a number is too large")
    return value


class _Text:
    """JSON that is not parsed yet, and may be invalid."""

    def __init__(self, raw: bytes, max_values: int) -> None:
        self._raw = raw
        self._max_values = max_values
        self._outside: bytes | None = None

    @property
    def outside(self) -> bytes:
        """The text outside of strings; each string leaves one quotation mark."""
        if self._outside is None:
            raw = self._raw
            if b"\\" in raw:
                # In a run of backslashes each pair is one escaped backslash; an odd one escapes what follows.
                raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
            if raw.count(b'"') > 2 * self._max_values:
                raise self._too_many()
            self._outside = b'"'.join(raw.split(b'"')[::2])
        return self._outside

    def require_few(self, max_depth: int) -> None:
        """Raise NotStrictJSON for too many values or too much depth. The first count includes marks in
        strings, which is cheap and enough for most texts."""
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
    """Each value but the first follows one of these, or a bracket."""
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
