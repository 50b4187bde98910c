"""JSON that every reader reads alike (RFC 8259): the token and the question are judged by what it says."""

import json
import math
import re
from typing import Any, Final

MAX_DEPTH: Final = 8
MAX_DIGITS: Final = 16

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class NotStrictJSON(ValueError):
    """The bytes are not such JSON; the message never holds the content."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 bytes. Raises NotStrictJSON for other encodings, a byte order mark, nesting beyond
    MAX_DEPTH, duplicate keys, NaN, numbers that no double keeps, and lone surrogates.
    """
    try:
        text = raw.decode("utf-8")
        _refuse_depth(text)
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_exact,
        )
        # Raw UTF-8 cannot hold a surrogate, so only an escape can make one.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:
        raise NotStrictJSON("not JSON that every reader reads alike") from None
    return value


def _refuse_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match.group(), 0)
        if depth > MAX_DEPTH:
            raise NotStrictJSON("nested too deep")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJSON("the same key twice")
    return members


def _refuse(_: str) -> Any:
    raise NotStrictJSON("NaN or Infinity")


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise NotStrictJSON("a number too large")
    return number


def _exact(literal: str) -> int:
    if len(literal) > MAX_DIGITS:
        raise NotStrictJSON("a number too large")
    return int(literal)
