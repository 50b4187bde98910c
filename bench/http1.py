"""HTTP/1.1 as the load writes and reads it: whole requests, and answers in any pieces."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


class BadAnswer(Exception):
    """The bytes are no HTTP/1.1 answer, or of a kind that none of the services sends."""


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: Mapping[str, str]


class End:
    """The answer is whole."""


END = End()
Event = Head | bytes | End


class Parser:
    """The answers of one connection, cut anywhere: a Head, then body bytes as they come, then END."""

    def __init__(self) -> None:
        self._rest = b""
        self._state: Callable[[], Iterator[Event]] = self._head
        self._left = 0
        self._stuck = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes; the caller must exhaust the iterator. Raises BadAnswer."""
        self._rest += data
        self._stuck = False
        while self._rest and not self._stuck:
            yield from self._state()

    def _head(self) -> Iterator[Event]:
        head, mark, rest = self._rest.partition(b"\r\n\r\n")
        if not mark:
            self._stuck = True
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        if version != "HTTP/1.1" or not status[:3].isdigit():
            raise BadAnswer(first)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._rest = rest
        found = Head(int(status[:3]), headers)
        if headers.get("transfer-encoding") == "chunked":
            self._state = self._size
        elif found.status in (204, 304):
            self._left, self._state = 0, self._body
        elif "content-length" in headers:
            self._left, self._state = int(headers["content-length"]), self._body
        else:
            raise BadAnswer("an answer without a length")
        yield found
        if self._state == self._body and self._left == 0:
            self._state = self._head
            yield END

    def _body(self) -> Iterator[Event]:
        data, self._rest = self._rest[: self._left], self._rest[self._left :]
        self._left -= len(data)
        yield data
        if self._left == 0:
            self._state = self._head
            yield END

    def _size(self) -> Iterator[Event]:
        line, mark, rest = self._rest.partition(b"\r\n")
        if not mark:
            self._stuck = True
            return
        self._left, self._rest = int(line.partition(b";")[0], 16), rest
        self._state = self._chunk if self._left else self._last
        yield from ()

    def _chunk(self) -> Iterator[Event]:
        if self._left:
            data, self._rest = self._rest[: self._left], self._rest[self._left :]
            self._left -= len(data)
            yield data
        elif len(self._rest) < 2:
            self._stuck = True
        else:
            self._rest, self._state = self._rest[2:], self._size

    def _last(self) -> Iterator[Event]:
        # None of the services sends trailers, so the chunks end with an empty line.
        if len(self._rest) < 2:
            self._stuck = True
            return
        self._rest, self._state = self._rest[2:], self._head
        yield END


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole request, with `body` as JSON."""
    raw = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw
