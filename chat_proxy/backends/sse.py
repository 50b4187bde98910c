"""Server-sent events: bytes in, events out, by the WHATWG rules (HTML 9.2.6); and events back to bytes."""

import re
from collections.abc import Iterator
from typing import Final

MAX_LINE: Final = 65_536
"""Bytes of one line, complete or not yet: an event is a few words, and an endless line must not fill
memory."""
MAX_DATA: Final = 262_144
"""Bytes of the data lines of one event together."""
KEEP_ALIVE: Final = b": keep-alive\n\n"

_BOM: Final = b"\xef\xbb\xbf"
# Any number of blank lines ends an event once.
_BLANK_LINES: Final = re.compile(rb"\n{3,}")
_FIELDS: Final = (b"data", b"event")
# A whole event as nearly all servers write it, and as it nearly always comes: it needs no look at its lines.
_USUAL: Final = re.compile(rb"(?:event: ([!-~]{1,64})\n)?data: ([^\r\n]*)\n\n")

Event = tuple[str, bytes]
"""The name (`message` when none was given) and the data, in UTF-8 as it came: the caller replaces invalid
bytes."""


class TooLong(Exception):
    """A line or an event is longer than any that we accept; the message says which."""


def _long_line(most: int) -> TooLong:
    return TooLong(f"a line of its stream has more than {most} bytes")


class Parser:
    """Feed it bytes as they come, cut anywhere; it keeps an event that is not yet whole.

    An event that no blank line ended is never returned, as the rules demand.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_max_data", "_max_line", "_name", "_rest", "_size")

    def __init__(self, most: int | None = None) -> None:
        """`most` takes the place of MAX_LINE and MAX_DATA where a dialect needs longer events."""
        self._max_line, self._max_data = most or MAX_LINE, most or MAX_DATA
        self._rest = b""
        self._at_start = True
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes; the caller must exhaust the iterator. Raises TooLong after the
        events that came before the line."""
        begin = 0
        if not (self._rest or self._at_start or self._after_cr or self._name or self._data):
            while (usual := _USUAL.match(chunk, begin)) and usual.end() - begin <= self._max_line:
                begin = usual.end()
                yield usual[1].decode() if usual[1] else "message", usual[2]
                if begin == len(chunk):
                    return
        text = self._rest + chunk[begin:]
        if self._at_start:
            if len(text) < len(_BOM) and _BOM.startswith(text):
                self._rest = text
                return
            self._at_start = False
            text = text.removeprefix(_BOM)
        # A CR ends its line at once; a LF that follows in a later chunk is the second half of the same end.
        if self._after_cr and text:
            self._after_cr = False
            text = text.removeprefix(b"\n")
        if b"\r" in text:
            self._after_cr = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n\n\n" in text:
            text = _BLANK_LINES.sub(b"\n\n", text)
        lines = text.split(b"\n")
        self._rest = rest = lines.pop()
        for line in lines:
            if line.startswith(_FIELDS) or len(line) > self._max_line:
                self._field(line)
            elif line:
                # A comment or an unknown field. A stream of nothing else must not block the event loop.
                continue
            elif self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                event = self._name or "message", data
                self._name, self._data, self._size = "", [], 0
                yield event
            else:
                self._name = ""
        if len(rest) > self._max_line:
            raise _long_line(self._max_line)

    def _field(self, line: bytes) -> None:
        if len(line) > self._max_line:
            raise _long_line(self._max_line)
        name, _, value = line.partition(b":")
        # One space after the colon belongs to the syntax. `id` and `retry` serve a client that reconnects,
        # and the proxy never asks for an answer twice.
        if name == b"data":
            self._size += len(value) + 1
            if self._size > self._max_data:
                raise TooLong(f"the data of one event has more than {self._max_data} bytes")
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")


def encode(name: str, data: bytes) -> bytes:
    """One event; `data` is JSON of one line, so it needs no splitting."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
