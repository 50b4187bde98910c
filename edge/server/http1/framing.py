"""The form of an HTTP/1.1 request: checks that every parser reads its head alike, and finds its body's end.

RFC 9112, without the forms that it calls obsolete or leaves to the recipient. Pure: bytes in, a judgement
out.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from edge.http.problems import Problem

MAX_HEAD: Final = 16_384
"""Bytes of the request line and all fields: a token of 4 KiB, a proof of 4 KiB and cookies of 4 KiB fit."""
MAX_FIELDS: Final = 64
HEAD_END: Final = b"\r\n\r\n"
_TARGET: Final = rb"(/[!-~]*|https?://[!-~]+|\*)"
_HEAD: Final = re.compile(
    # After CONNECT comes a tunnel (RFC 9110 9.3.6): httptools would read the bytes of its body as a request.
    rb"(?!CONNECT )[A-Z]{1,20} "
    + _TARGET
    + rb" HTTP/1\.[01]\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t !-~\x80-\xff]*\r\n)*\r\n"
)
_HEX: Final = rb"[0-9a-fA-F]"
_NEXT: Final = rb"%[89abAB]" + _HEX
_LETTERS: Final = (
    # RFC 3629 4: the octets of one character.
    rb"%(?:[cC][2-9a-fA-F]|[dD]" + _HEX + rb")" + _NEXT,
    rb"%[eE](?:0%[abAB]|[dD]%[89])" + _HEX + _NEXT,
    rb"%[eE][1-9a-cA-CeEfF](?:" + _NEXT + rb"){2}",
    rb"%[fF](?:0%[9abAB]|4%8)" + _HEX + rb"(?:" + _NEXT + rb"){2}",
    rb"%[fF][1-3](?:" + _NEXT + rb"){3}",
)
_ONE_READING: Final = re.compile(
    rb"(?:https?://([A-Za-z0-9._:\[\]-]+)(?=/))?"
    # RFC 3986 3.3 and 2.3. No empty segment and no dot segments, which some parsers remove; no encoded
    # character that needs no encoding, is no valid UTF-8, or divides the path anew when decoded: / \ % # ?
    rb"(?![^?]*/(?:/|\.{1,2}(?:[/?]|\Z)))"
    rb"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]"
    rb"|%(?:2[0-246-9a-cA-C]|3[a-eA-E]|40|5[bdeBDE]|60|7[b-dB-D])|" + rb"|".join(_LETTERS) + rb")*"
    rb"(?:\?[!\"$-~]*)?"
)
_FRAMING: Final = re.compile(
    rb"\r\n(host|content-length|transfer-encoding|upgrade|origin):([^\r]*)(?=\r\n)",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(rb"\r\nx-forwarded-for:([^\r]*)(?=\r\n)", re.IGNORECASE)
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_CHUNK_SIZE_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,8}|[0-9A-Fa-f]{1,8}\r")
_MAX_CHUNK_LINE: Final = 10
MAX_CHUNKS: Final = 512
"""Chunks of one body: each costs some microseconds, and chunks of one byte a thousand times their bytes."""


def malformed(detail: str) -> Problem:
    return Problem(400, "malformed_request", detail)


class Framing(NamedTuple):
    """The body's length in bytes, or that it is chunked; the Origin if there is one; the request's target and
    host."""

    length: int
    is_chunked: bool
    origin: str | None
    target: bytes = b"/"
    host: bytes = b""

    def require_one_target(self) -> None:
        """Raises Problem 400 where another parser of the same head may find another path or host."""
        match = _ONE_READING.fullmatch(self.target)
        if match is None:
            raise malformed("The request's target can be read in more than one way.")
        # RFC 9112 3.2.2 uses the target's host; a reverse proxy in front may have used the Host field.
        if match[1] is not None and match[1].lower() != self.host.lower():
            raise malformed("The request's target names another host than Host does.")


def head_end(head: bytearray, start: int) -> int:
    """The length of a head with its empty line, or -1 where it goes on. The bytes before `start` were checked
    before.

    Raises Problem 431 for a head that is too long, and 400 for a bare line feed, after which no end would
    come.
    """
    found = head.find(HEAD_END, max(0, start - 3))
    end = len(head) if found < 0 else found
    if end > MAX_HEAD:
        raise Problem(431, "header_too_large", f"A request's header may have {MAX_HEAD} bytes.")
    if found >= 0:
        return end + len(HEAD_END)
    if head.count(b"\n", start, end) != head.count(b"\r\n", max(0, start - 1), end):
        raise malformed("A line ends with CR and LF.")
    return -1


def judge(head: bytes) -> Framing:
    """Judge a complete head, its empty line included. Raises Problem 400 and 431."""
    if head.count(b"\n") > MAX_FIELDS + 2:
        raise Problem(431, "too_many_fields", f"A request may have {MAX_FIELDS} header fields.")
    form = _HEAD.fullmatch(head)
    if form is None:
        raise malformed("The request is not HTTP/1.1 as this server reads it.")
    found: dict[bytes, bytes] = {}
    for name, value in _FRAMING.findall(head):
        field = name.lower()
        if field in found:
            raise malformed("A header field that may be there once is there twice.")
        found[field] = value.strip(b" \t")
    if b"host" not in found or _HOST.fullmatch(found[b"host"]) is None:
        raise malformed("Send one Host.")
    if b"upgrade" in found:
        raise malformed("Nothing can be upgraded here.")
    origin = found[b"origin"].decode("latin-1") if b"origin" in found else None
    target, host = form[1], found[b"host"]
    length, encoding = found.get(b"content-length"), found.get(b"transfer-encoding")
    if encoding is not None:
        # With both, two parsers may disagree on where the body ends (RFC 9112 6.3).
        if length is not None or encoding.lower() != b"chunked" or b" HTTP/1.0\r\n" in head:
            raise malformed("Send a Content-Length, or Transfer-Encoding: chunked.")
        return Framing(0, True, origin, target, host)
    if length is None:
        return Framing(0, False, origin, target, host)
    if _LENGTH.fullmatch(length) is None:
        raise malformed("Content-Length is not a number.")
    return Framing(int(length), False, origin, target, host)


def may_wait(head: bytes) -> bool:
    """Return True if the client may wait to be asked for its body (RFC 9110 10.1.1)."""
    return b"\r\nexpect:" in head.lower()


def forwarded(head: bytes) -> str:
    """All values of X-Forwarded-For in a head, as one list."""
    return b",".join(_FORWARDED.findall(head)).decode("latin-1")


_State: TypeAlias = "Callable[[Body, memoryview], int]"


class Body:
    """Counts the bytes of one message after its head."""

    def __init__(self, framing: Framing) -> None:
        self._left = framing.length
        self._chunks = 0
        self._is_chunked = framing.is_chunked
        self._line = b""
        # A function, as a method of this object would keep it for the garbage collector.
        self._state: _State = Body._size if framing.is_chunked else Body._data
        self.is_whole = not framing.is_chunked and framing.length == 0

    def take(self, data: bytes) -> int:
        """The number of bytes at the start of `data` that belong to this message. Raises Problem 400."""
        # A view, as slicing bytes would copy the rest at each chunk.
        rest = memoryview(data)
        while rest and not self.is_whole:
            rest = rest[self._state(self, rest) :]
        return len(data) - len(rest)

    def _data(self, data: memoryview) -> int:
        taken = min(self._left, len(data))
        self._left -= taken
        if self._left == 0:
            if self._is_chunked:
                self._state = Body._data_end
            else:
                self.is_whole = True
        return taken

    def _size(self, data: memoryview) -> int:
        # Chunk extensions are refused: clients do not send them, and parsers have read them differently.
        before = len(self._line)
        self._line += data[: _MAX_CHUNK_LINE - before]
        match = _CHUNK_SIZE.match(self._line)
        if match is None:
            if _CHUNK_SIZE_BEGUN.fullmatch(self._line) is None:
                raise malformed("A chunk has no size.")
            return len(self._line) - before
        taken = match.end() - before
        self._left, self._line = int(match.group(1), 16), b""
        self._state = Body._data if self._left else Body._last
        self._chunks += self._left > 0
        if self._chunks > MAX_CHUNKS:
            raise malformed(f"A body may have {MAX_CHUNKS} chunks.")
        return taken

    def _data_end(self, data: memoryview) -> int:
        return self._line_end(data, Body._size)

    def _last(self, data: memoryview) -> int:
        # Trailers are refused: they would be header fields that no check here sees.
        return self._line_end(data, None)

    def _line_end(self, data: memoryview, following: "_State | None") -> int:
        before = len(self._line)
        self._line += data[: 2 - before]
        if not b"\r\n".startswith(self._line):
            raise malformed("A chunk does not end where it said.")
        taken = len(self._line) - before
        if len(self._line) == 2:
            self._line = b""
            if following is None:
                self.is_whole = True
            else:
                self._state = following
        return taken
