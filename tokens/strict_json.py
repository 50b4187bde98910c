"""JSON as RFC 8259 interoperable senders write it, and nothing beside it.

The standard parser lets the last of two equal keys win, reads NaN and 1e400, and keeps lone
surrogates; each of these has been a way to make two readers of one text disagree (RFC 8725 2.4, 3.7).
"""

import json
import math
import re
from typing import Any

# 2**53 - 1: the largest integer that every JSON reader keeps exact (RFC 8259 6).
MAX_INTEGER = 9_007_199_254_740_991
MAX_INTEGER_DIGITS = 17

# Possessive, and a string may end with the text: what is left open is walked through once and not from every
# quote in it again, which took 8 s for 64 KiB.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotStrictJSON(ValueError):
    """The bytes are not the JSON we accept; the message names the rule and never the content."""


def loads(raw: bytes, *, max_depth: int = 8) -> Any:
    """Parse UTF-8 bytes without a byte order mark, nested at most `max_depth` deep.

    Raises NotStrictJSON for anything else: other encodings, duplicate keys, NaN, Infinity and
    numbers that become them, integers beyond 2**53 - 1, lone surrogates.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrictJSON("the text is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise NotStrictJSON("the text starts with a byte order mark")
    _refuse_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except NotStrictJSON:
        raise
    except (ValueError, RecursionError):
        raise NotStrictJSON("the text is not JSON") from None
    # Raw UTF-8 cannot hold a surrogate, so only an escape can make one.
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _refuse_depth(text: str, max_depth: int) -> None:
    if text.count("{") + text.count("[") <= max_depth:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise NotStrictJSON(f"the text is nested more than {max_depth} deep")
        elif mark in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJSON("an object has the same key twice")
    return members


def _refuse_constant(_: str) -> Any:
    raise NotStrictJSON("NaN and Infinity are not JSON")


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise NotStrictJSON("a number is too large")
    return number


def _exact(literal: str) -> int:
    if len(literal) > MAX_INTEGER_DIGITS:
        raise NotStrictJSON("a number is too large")
    number = int(literal)
    if abs(number) > MAX_INTEGER:
        raise NotStrictJSON("a number is too large")
    return number


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise NotStrictJSON("a string holds half a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(item)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_exact
)
