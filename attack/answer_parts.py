"""Answers that a backend may send to one question: whole ones, and ones whose framing is changed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

JSON: Final = b"Content-Type: application/json"
EVENTS: Final = b"Content-Type: text/event-stream"
OK: Final = b"HTTP/1.1 200 OK"
LINES: Final = (
    *(
        b"HTTP/1.1 200",
        b"HTTP/1.0 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 100 Continue",
    ),
    *(b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 500 Oops", b"ICY 200 OK"),
    *(
        b"HTTP/1.1 429 Slow",
        b"HTTP/1.1 099 Low",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1  200 OK",
        b"http/1.1 200 ok",
    ),
    *(
        b"HTTP/1.1 302 Found\r\nLocation: /",
        b"220 mail",
        b"",
        b"\x16\x03\x01",
        b"HTTP/1.1 200 " + b"a" * 40_000,
    ),
)
FIELDS: Final = (
    *(
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 1, 1",
        b"Content-Length:",
    ),
    *(b"Content-Length: " + b"9" * 30, b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked"),
    *(
        b"Transfer-Encoding: identity",
        b"Content-Encoding: gzip",
        b"Connection: close",
        b"Connection: upgrade",
    ),
    *(
        b"Retry-After: 7",
        b"Trailer: X",
        b"X: a\x00b",
        b"X : y",
        b" folded",
        b"X",
        b": y",
        b"X: \xff",
        b"X: a\nY: b",
    ),
    *(b"X: " + b"a" * 9_000, b"\r\n".join([b"X: y"] * 200), b"Keep-Alive: timeout=0", b"Set-Cookie: a=b"),
    *(b"Content-Type: text/html", b"HTTP/1.1 200 OK", b""),
)
INTERIM: Final = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    b"\r\n",
    b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
)
SIZES: Final = (b"0", b"-1", b"", b"0x5", b"5 ", b"f" * 17, b"5;" + b"a" * 40_000, b"5\n", b"zz", b"ffffffff")
BETWEEN: Final = (b"", b"\r", b"\n", b" ", b"\x00", b"0", b"a", b":", b"\xff")


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of an answer. A reader of one that `is_whole` must get its text; the connection of one that
    is not is closed behind it."""

    raw: bytes
    is_whole: bool


def text_of(number: int) -> str:
    """The text of an attempt's answer, which no other attempt's has."""
    return f"This is answer {number}, and no other."


def answered(chance: Random, number: int) -> Sent:
    kind, body = chance.choice((_document, _events))(text_of(number))
    if chance.random() < 0.4:
        return Sent(_framed(chance, OK, [kind], body, chunk_size) + _behind(chance), is_whole=True)
    return Sent(_changed(chance, kind, body), is_whole=False)


def _document(text: str) -> tuple[bytes, bytes]:
    return JSON, json.dumps({"response": text, "citations": []}).encode()


def _events(text: str) -> tuple[bytes, bytes]:
    members = json.dumps({"text": text})
    return EVENTS, f"event: delta\ndata: {members}\n\nevent: done\ndata: {{}}\n\n".encode()


def _behind(chance: Random) -> bytes:
    """Bytes that follow an answer at once: another one is an answer to nothing."""
    if chance.random() < 0.7:
        return b""
    _, body = _document("This was not asked for.")
    other = b"%s\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (OK, JSON, len(body), body)
    return chance.choice((other, other[:20], b"x", b"\x00" * 20))


def _changed(chance: Random, kind: bytes, body: bytes) -> bytes:
    line = chance.choice(LINES) if chance.random() < 0.3 else OK
    fields = [kind, *(chance.choice(FIELDS) for _ in range(chance.choice((0, 0, 1, 2))))]
    size = _odd_size if chance.random() < 0.3 else chunk_size
    raw = _framed(chance, line, fields, body, size)
    if chance.random() < 0.2:
        raw = chance.choice(INTERIM) + raw
    if chance.random() < 0.3:
        at = chance.randrange(raw.find(b"\r\n\r\n") + 4)
        raw = raw[:at] + chance.choice(BETWEEN) + raw[at + chance.randint(0, 1) :]
    return raw[: chance.randrange(len(raw))] if chance.random() < 0.2 else raw


def chunk_size(_: Random, size: int) -> bytes:
    return b"%x" % size


def _odd_size(chance: Random, size: int) -> bytes:
    off = max(0, size + chance.choice((-1, 0, 1)))
    return b"%x" % off if chance.random() < 0.5 else chance.choice(SIZES)


def _framed(
    chance: Random, line: bytes, fields: Sequence[bytes], body: bytes, size: Callable[[Random, int], bytes]
) -> bytes:
    if chance.random() < 0.5:
        count = int(size(chance, len(body)), 16) if size is chunk_size else len(body) + chance.choice((-1, 1))
        framing, rest = b"Content-Length: %d" % count, body
    else:
        places = sorted(chance.randrange(1, len(body)) for _ in range(chance.randint(0, 3)))
        spans = zip((0, *places), (*places, len(body)), strict=True)
        pieces = [body[start:end] for start, end in spans if start < end]
        chunks = (b"%s\r\n%s\r\n" % (size(chance, len(one)), one) for one in pieces)
        framing, rest = b"Transfer-Encoding: chunked", b"".join(chunks) + b"0\r\n\r\n"
    lines = [*fields, framing]
    chance.shuffle(lines)
    return b"\r\n".join([line, *lines, b"", rest])
