"""Values that break parsers, as JSON texts and as plain texts."""

import json
from collections.abc import Callable
from random import Random
from typing import Final

from attack.judging.manners import CANARY

Text = Callable[[Random, int], bytes]
"""A function that makes a JSON text of about so many bytes."""

NUMBERS: Final = (
    *(b"1e309", b"-1e309", b"1e-999", b"-0", b"-0.0", b"0e0", b"9007199254740993", b"18446744073709551616"),
    *(b"1.7976931348623157e308", b"5e-324", b"01", b"+1", b".5", b"5.", b"1e", b"0x1f", b"1_000", b"-"),
    *(b"NaN", b"Infinity", b"-Infinity", b"nan", b"1E400", b"0.1e-400", b"4.0", b"-2147483649"),
)
ESCAPES: Final = (
    *(b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\\ud83d\\ude00", b"\\ud83d\\u0041", b"\\uDBFF\\uDFFF"),
    *(b"\\u12", b"\\x41", b"\\", b"\\/", b"\\'", b"\\u00e9", b"\\uffff", b"\\ufeff", b"\\u2028", b"\\b\\f"),
)
BROKEN_UTF_8: Final = (
    *(b"\xff", b"\xfe\xff", b"\xc0\xaf", b"\xc1\x81", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf"),
    *(
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xe2\x82",
        b"\x80",
        b"\xc3",
        b"a\x00b",
        b"\x01",
        b"\x7f",
    ),
)
WORDS: Final = (
    *("", " ", "\u200b", "\ufeff", "\xa0", "\u2028", "\u202e", "\u0085", "\ufdd0", "\U000e0041", "\ufdfa"),
    *(
        "null",
        "__proto__",
        "constructor",
        "*",
        "cg:cut",
        "cg:{site:docs}:rate",
        "{}",
        "../../etc/passwd",
        "%00",
    ),
    *(
        "' OR '1'='1",
        "'; DROP TABLE user; --",
        "<script>alert(1)</script>",
        "a\r\nSet-Cookie: a=b",
        "{{7*7}}",
    ),
    *(
        "${jndi:ldap://127.0.0.1/a}",
        "\x00",
        "a" * 65,
        "a@b",
        "ada@example.org",
        "e\u0301" * 40,
        "\u1100\u1161\u11a8",
    ),
)
MARKS: Final = ("\u0301", "\u0316", "\u0327", "\u0345", "\u05b0", "\u0f71", "\U0001e94a", "\u0340")
LETTERS: Final = ("a", "é", "\u0301", "\uac01", "😀", "ﷺ", "\u200b", "\xa0", '"', "\\", "\n", "\u0000")


def value(chance: Random, size: int) -> bytes:
    """Bytes in the place of a JSON value; some are not JSON."""
    return chance.choice(VALUES)(chance, size)


def word(chance: Random, size: int) -> str:
    """A text for a JSON string, a form or an address."""
    made = chance.choice((short, _long, _marked))(chance, size)
    return f"{CANARY}{made}" if chance.random() < 0.3 else made


def short(chance: Random, _: int) -> str:
    return chance.choice(WORDS)


def _long(chance: Random, size: int) -> str:
    letter = chance.choice(LETTERS)
    return letter * (size // len(letter.encode()))


def _marked(chance: Random, size: int) -> str:
    """A letter with combining marks in an order that normalisation has to change."""
    marks = "".join(chance.choices(MARKS, k=min(size // 3, 4_000)))
    return f"a{marks}"


def _nested(chance: Random, size: int) -> bytes:
    depth = chance.choice((2, 7, 8, 9, 64, 1_000, size // 2))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    depth = min(depth, size // (len(opening) + 1) or 1)
    inner = chance.choice((b"1", b"", b"[]", b"{}"))
    return opening * depth + inner + (closing * depth if chance.random() < 0.8 else b"")


def _many(chance: Random, size: int) -> bytes:
    one = chance.choice((b"1,", b"{},", b"[],", b'"",', b"null,", b"1e9,", b'{"a":1},', b'"\\u0041",', b","))
    return b"[" + one * max(1, size // len(one)) + b"0]"


def _many_names(chance: Random, size: int) -> bytes:
    same = chance.random() < 0.3
    names = (b'"a"' if same else b'"%x"' % at for at in range(max(1, size // 8)))
    return b"{" + b",".join(name + b":0" for name in names) + b"}"


def _number(chance: Random, size: int) -> bytes:
    if chance.random() < 0.7:
        return chance.choice(NUMBERS)
    digits = b"9" * chance.choice((17, 400, 4_301, max(1, size)))
    return chance.choice((b"%s", b"-%s", b"0.%s", b"1e%s", b"%se-5")) % digits


def _escaped(chance: Random, size: int) -> bytes:
    return b'"' + chance.choice(ESCAPES) * chance.choice((1, 2, max(1, size // 6))) + b'"'


def _broken(chance: Random, _: int) -> bytes:
    return b'"a' + chance.choice(BROKEN_UTF_8) + chance.choice((b'b"', b'"'))


def _text(chance: Random, size: int) -> bytes:
    return json.dumps(word(chance, size), ensure_ascii=chance.random() < 0.3).encode()


def _of_another_type(chance: Random, _: int) -> bytes:
    return chance.choice((b"null", b"true", b"false", b"0", b"{}", b"[]", b'""', b"[null]", b'{"a":"b"}'))


VALUES: Final[tuple[Text, ...]] = (
    *(_nested, _many, _many_names, _number, _escaped, _broken),
    # All of these are JSON: a value that is not gets no further than the parser.
    *(_text, _text, _text, _text, _of_another_type, _of_another_type),
)
