"""The form of an HTTP/1.1 request: whether every reader reads its head alike, and where its body ends.

RFC 9112, without what it calls obsolete or leaves to the recipient. Pure: bytes in, a judgement out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.problems import Problem

MAX_FIELDS: Final = 64
HEAD_END: Final = b"\r\n\r\n"
_TARGET: Final = rb"(?:/[!-~]*|https?://[!-~]+|\*)"
_HEAD: Final = re.compile(
    # After CONNECT comes a tunnel (RFC 9110 9.3.6): httptools takes what is in its body for a request.
    rb"(?!CONNECT )[A-Z]{1,20} "
    + _TARGET
    + rb" HTTP/1\.[01]\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t !-~\x80-\xff]*\r\n)*\r\n"
)
_FRAMING: Final = re.compile(
    rb"\r\n(host|content-length|transfer-encoding|upgrade|origin):([^\r]*)(?=\r\n)",
    re.IGNORECASE,
)
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_CHUNK_SIZE_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,8}|[0-9A-Fa-f]{1,8}\r")
_MAX_CHUNK_LINE: Final = 10
MAX_CHUNKS: Final = 4096
"""Of one body: each costs some microseconds, and of one byte they would cost a thousand times the bytes."""


def malformed(detail: str) -> Problem:
    return Problem(400, "malformed_request", detail)


@dataclass(frozen=True, slots=True)
class Framing:
    """How long the body is, so many bytes or in chunks, and the Origin if there is one."""

    length: int
    is_chunked: bool
    origin: str | None


def require_line_ends(head: bytearray, start: int, end: int) -> None:
    """Of a head that may go on. Raises Problem 400 for a bare line feed, after which no end would come."""
    if head.count(b"\n", start, end) != head.count(b"\r\n", max(0, start - 1), end):
        raise malformed("A line ends with CR and LF.")


def judge(head: bytes) -> Framing:
    """A whole head, its empty line included. Raises Problem 400 and 431."""
    if head.count(b"\n") > MAX_FIELDS + 2:
        raise Problem(431, "too_many_fields", f"A request may have {MAX_FIELDS} header fields.")
    if _HEAD.fullmatch(head) is None:
        raise malformed("The request is not HTTP/1.1 as this server reads it.")
    found: dict[bytes, bytes] = {}
    for name, value in _FRAMING.findall(head):
        if name.lower() in found:
            raise malformed("A header field that may be there once is there twice.")
        found[name.lower()] = value.strip(b" \t")
    if b"host" not in found or _HOST.fullmatch(found[b"host"]) is None:
        raise malformed("Send one Host.")
    if b"upgrade" in found:
        raise malformed("Nothing can be upgraded here.")
    origin = found[b"origin"].decode("latin-1") if b"origin" in found else None
    length, encoding = found.get(b"content-length"), found.get(b"transfer-encoding")
    if encoding is not None:
        # With both, two readers may disagree on where the body ends (RFC 9112 6.3).
        if length is not None or encoding.lower() != b"chunked" or b" HTTP/1.0\r\n" in head:
            raise malformed("Send a Content-Length, or Transfer-Encoding: chunked.")
        return Framing(0, True, origin)
    if length is None:
        return Framing(0, False, origin)
    if _LENGTH.fullmatch(length) is None:
        raise malformed("Content-Length is not a number.")
    return Framing(int(length), False, origin)


class Body:
    """Counts the bytes of one message after its head."""

    def __init__(self, framing: Framing) -> None:
        self._left = framing.length
        self._chunks = 0
        self._is_chunked = framing.is_chunked
        self._line = b""
        self._state: Callable[[memoryview], int] = self._size if framing.is_chunked else self._data
        self.is_whole = not framing.is_chunked and framing.length == 0

    def take(self, data: bytes) -> int:
        """How many of the bytes at the beginning of `data` are of this message. Raises Problem 400."""
        # A view, as the rest would else be copied at each chunk.
        rest = memoryview(data)
        while rest and not self.is_whole:
            rest = rest[self._state(rest) :]
        return len(data) - len(rest)

    def _data(self, data: memoryview) -> int:
        taken = min(self._left, len(data))
        self._left -= taken
        if self._left == 0:
            if self._is_chunked:
                self._state = self._data_end
            else:
                self.is_whole = True
        return taken

    def _size(self, data: memoryview) -> int:
        # Without extensions, which nobody sends and two readers have read differently.
        before = len(self._line)
        self._line += data[: _MAX_CHUNK_LINE - before]
        match = _CHUNK_SIZE.match(self._line)
        if match is None:
            if _CHUNK_SIZE_BEGUN.fullmatch(self._line) is None:
                raise malformed("A chunk has no size.")
            return len(self._line) - before
        taken = match.end() - before
        self._left, self._line = int(match.group(1), 16), b""
        self._state = self._data if self._left else self._last
        self._chunks += self._left > 0
        if self._chunks > MAX_CHUNKS:
            raise malformed(f"A body may have {MAX_CHUNKS} chunks.")
        return taken

    def _data_end(self, data: memoryview) -> int:
        return self._line_end(data, self._size)

    def _last(self, data: memoryview) -> int:
        # No trailers: they would be fields that nothing here looks at.
        return self._line_end(data, None)

    def _line_end(self, data: memoryview, following: Callable[[memoryview], int] | None) -> int:
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
