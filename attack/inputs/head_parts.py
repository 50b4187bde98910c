"""Changes to request heads: forms that two parsers may read differently, and malformed ones."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from bench.http1 import HOST
from bench.scenarios.parsers import TARGETS

_FRAGMENTS: Final = tuple(next(one for one in TARGETS if one.name == "header").fragments)
_COOKIES: Final = tuple(next(one for one in TARGETS if one.name == "cookies").fragments)
TARGET_PARTS: Final = (
    *(b"//", b"/./", b"/../", b"/%2e%2e/", b"%2F", b"%5C", b"%00", b"%25", b"%23", b"#", b"?", b"%zz", b"%"),
    *(
        b"%C0%AF",
        b"%ED%A0%80",
        b"%E2%82%AC",
        b"%61",
        b"\\",
        b"\xff",
        b"\x00",
        b"\t",
        b" ",
        b";a=b",
        b"@",
        b"*",
    ),
    *(b"|", b'"', b"<", b"{", b"`", b"^", b"a" * 8_192, b"a" * 17_000),
)
VERSIONS: Final = (
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.1 ",
    b"http/1.1",
    b"HTTP/1.10",
    b"HTTP/1",
    b"",
)
METHODS: Final = (
    *(
        b"GET",
        b"HEAD",
        b"POST",
        b"PUT",
        b"DELETE",
        b"OPTIONS",
        b"TRACE",
        b"PATCH",
        b"PRI",
        b"CONNECT",
        b"get",
    ),
    *(b"PROPFIND", b"G\x00T", b"", b"A" * 21, b"QUERY", b"G ET"),
)
FIELDS: Final = (
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: +2",
    b"Content-Length: 0x10",
    b"Content-Length: 18446744073709551617",
    b"Content-Length: 1_0",
    b"Content-Length : 5",
    b"Content-Length: 2, 2",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked",
    b"Host: " + HOST.encode(),
    b"Host: elsewhere.example",
    b"Host:",
    b"X-Forwarded-Host: elsewhere.example",
    b"X-Forwarded-For: 10.0.0.1, ::1, %",
    b"Forwarded: for=10.0.0.1",
    b"Connection: close",
    b"Connection: keep-alive, close, Authorization",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: 200-ok",
    b"TE: trailers",
    b"Trailer: Authorization",
    b"Origin: null",
    b"Origin: https://docs.example.org.elsewhere.example",
    b"Authorization: Bearer a",
    b"Authorization: Basic Og==",
    b"Cookie: a=b",
    b"DPoP: e30.e30.e30",
    b"Accept: text/event-stream",
    b"Accept-Language: " + b"a-b;q=0.1," * 400,
    b"Content-Type: application/json; charset=\xff",
    b"X: \x00",
    b"X: \x7f\x1b[31m",
    b"X: a\r\n b",
    b"X: a\r b",
    b"X: a\nContent-Length: 5",
    b"\x00: a",
    b": a",
    b"X",
    b" X: a",
    b"X: " + b"a" * 16_384,
)
ENDS: Final = (b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\r", b"\r\n", b"\r\n\r\n\r\n", b"")
INSIDE: Final = b"GET /.well-known/nothing HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request that is smuggled in where no request should be."""
BODIES: Final = (
    *(
        b"",
        b"{}",
        INSIDE,
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5;a=b\r\nhello\r\n0\r\n\r\n",
        b"-1\r\n",
    ),
    *(
        b"5\r\nhello0\r\n\r\n",
        b"0\r\nX: a\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"\r\n" * 9,
    ),
    *(
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(INSIDE), INSIDE),
        b"100000005\r\nhello\r\n0\r\n\r\n",
        b"0\r\n" + INSIDE,
    ),
)


def changed(chance: Random, requests: Sequence[bytes]) -> bytes:
    """One of the requests with one to three changes."""
    head, _, body = chance.choice(requests).partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    parts = _Parts(line, fields, body)
    for _ in range(chance.choice((1, 1, 2, 3))):
        chance.choice(CHANGES)(chance, parts)
    raw = b"\r\n".join([parts.line, *parts.fields]) + parts.end + parts.body
    return _flipped(chance, raw) if chance.random() < 0.1 else raw


class _Parts:
    def __init__(self, line: bytes, fields: list[bytes], body: bytes) -> None:
        self.line, self.fields, self.body = line, fields, body
        self.end = b"\r\n\r\n"


def _target(chance: Random, parts: _Parts) -> None:
    method, _, rest = parts.line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    at = chance.randint(0, len(target))
    form = chance.random()
    if form < 0.1:
        target = b"http://" + chance.choice((HOST.encode(), b"elsewhere.example", b"a@b", b"")) + target
    else:
        target = target[:at] + chance.choice(TARGET_PARTS) + target[at:]
    parts.line = b" ".join((method, target, version))


def _version(chance: Random, parts: _Parts) -> None:
    parts.line = parts.line.rpartition(b" ")[0] + b" " + chance.choice(VERSIONS)


def _method(chance: Random, parts: _Parts) -> None:
    parts.line = chance.choice(METHODS) + b" " + parts.line.partition(b" ")[2]


def _spaced(chance: Random, parts: _Parts) -> None:
    parts.line = parts.line.replace(b" ", chance.choice((b"  ", b"\t", b"\x0b", b"\xa0")), 1)


def _more(chance: Random, parts: _Parts) -> None:
    parts.fields.insert(chance.randint(0, len(parts.fields)), chance.choice(FIELDS))


def _twice(chance: Random, parts: _Parts) -> None:
    parts.fields.append(chance.choice(parts.fields))


def _dropped(chance: Random, parts: _Parts) -> None:
    del parts.fields[chance.randrange(len(parts.fields))]
    if not parts.fields:
        parts.fields.append(b"X: a")


def _many(chance: Random, parts: _Parts) -> None:
    parts.fields += [b"X-%d: a" % at for at in range(chance.choice((60, 62, 63, 64, 65, 300)))]


def _fragments(chance: Random, parts: _Parts) -> None:
    made = b"".join(chance.choices(_FRAGMENTS, k=chance.randint(1, 6))) * chance.choice((1, 1, 10, 500))
    parts.fields.insert(chance.randint(0, len(parts.fields)), made)


def _cookie(chance: Random, parts: _Parts) -> None:
    made = b"".join(chance.choices(_COOKIES, k=chance.randint(1, 6))) * chance.choice((1, 10, 100))
    parts.fields.append(b"Cookie: " + made)


def _value(chance: Random, parts: _Parts) -> None:
    at = chance.randrange(len(parts.fields))
    name, _, value = parts.fields[at].partition(b":")
    parts.fields[at] = name + b":" + _flipped(chance, value)


def _end(chance: Random, parts: _Parts) -> None:
    parts.end = chance.choice(ENDS)


def _body(chance: Random, parts: _Parts) -> None:
    parts.body = chance.choice(BODIES)
    if chance.random() < 0.5:
        parts.fields = [one for one in parts.fields if not one.lower().startswith(b"content-length")]
        is_chunked = chance.random() < 0.6
        length = max(0, len(parts.body) + chance.choice((0, 0, 0, -1, -3)))
        parts.fields.append(b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % length)


def _flipped(chance: Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


CHANGES: Final[tuple[Callable[[Random, _Parts], None], ...]] = (
    *(_target, _target, _target, _version, _method, _spaced, _more, _more, _more, _twice, _dropped, _many),
    *(_fragments, _cookie, _value, _value, _end, _body, _body),
)
