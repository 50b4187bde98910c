"""Server-sent events: bytes in, events out, by the WHATWG rules (HTML 9.2.6); and events back to bytes."""

from collections.abc import Iterator
from typing import Final

MAX_LINE: Final = 65_536
"""Bytes of one line, complete or not yet: an event is a few words, and what never ends must not be kept."""
MAX_DATA: Final = 262_144
"""Bytes of the data lines of one event together."""
KEEP_ALIVE: Final = b": keep-alive\n\n"

_BOM: Final = b"\xef\xbb\xbf"

Event = tuple[str, bytes]
"""Its name (`message` when none was given) and its data, UTF-8 as it came: what is not valid is the reader's
to replace."""


class TooLong(Exception):
    """A line or an event is longer than any that we accept."""


class Parser:
    """Feed it bytes as they come, cut anywhere; it keeps what is not yet a whole event.

    An event that no blank line ended is never given out, as the rules have it.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_name", "_rest", "_size")

    def __init__(self) -> None:
        self._rest = b""
        self._at_start = True
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes, to be taken to the end. Raises TooLong after those before it."""
        text = self._rest + chunk
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
        lines = text.split(b"\n")
        self._rest = rest = lines.pop()
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                event = self._name or "message", data
                self._name, self._data, self._size = "", [], 0
                yield event
            else:
                self._name = ""
        if len(rest) > MAX_LINE:
            raise TooLong

    def _field(self, line: bytes) -> None:
        if len(line) > MAX_LINE:
            raise TooLong
        name, _, value = line.partition(b":")
        # One space after the colon belongs to the syntax. `id` and `retry` are for a client that comes
        # back, and an answer is never asked for twice.
        if name == b"data":
            self._size += len(value) + 1
            if self._size > MAX_DATA:
                raise TooLong
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")


def encode(name: str, data: bytes) -> bytes:
    """One event; `data` is JSON of one line, so it needs no splitting."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
