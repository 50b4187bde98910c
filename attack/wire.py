"""One connection to a service: it sends bytes in any pieces, and reads the answers with h11."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import h11

from bench.http1 import HOST

CONNECT_WITHIN: Final = 5.0
"""Seconds. On loopback a connection is made at once, unless the service accepts none."""


class Unreadable(Exception):
    """The bytes are no HTTP/1.1 answer, or only the beginning of one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Names of headers are in lower case; the values of a repeated header are joined."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closes: bool


class Reading:
    """Parses the answers to requests of the given methods, cut anywhere. Further answers are read as if to
    GET."""

    def __init__(self, methods: Sequence[str] = ()) -> None:
        self._methods = iter(methods)
        self._is_over = False
        self._begin(b"")

    def feed(self, data: bytes) -> list[Reply]:
        """The answers that `data` completes; empty data means the end of the connection. Raises
        Unreadable."""
        has_begun = self._head is not None or self._connection.trailing_data[0] != b""
        if not data and not has_begun:
            return []
        if self._is_over:
            raise Unreadable("something follows the answer that was the last one")
        found: list[Reply] = []
        try:
            self._connection.receive_data(data)
            while (reply := self._next()) is not None:
                found.append(reply)
        except h11.ProtocolError as error:
            raise Unreadable(f"no answer, or a part of one: {error}") from None
        return found

    def _begin(self, rest: bytes) -> None:
        self._connection = h11.Connection(h11.CLIENT)
        method = next(self._methods, "GET")
        self._connection.send(h11.Request(method=method, target="/", headers=[("Host", HOST)]))
        self._connection.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._body = bytearray()
        if rest:
            self._connection.receive_data(rest)

    def _next(self) -> Reply | None:
        while not self._is_over:
            event = self._connection.next_event()
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return self._finished()
            elif not isinstance(event, h11.InformationalResponse):
                return None
        return None

    def _finished(self) -> Reply:
        head, body = self._head, bytes(self._body)
        assert head is not None  # noqa: S101  h11 begins an answer before it ends it
        rest, _ = self._connection.trailing_data
        self._is_over = self._connection.their_state is h11.MUST_CLOSE
        if self._is_over and rest:
            raise Unreadable("something follows the answer that was the last one")
        self._begin(rest)
        headers: dict[str, str] = {}
        for name, value in head.headers:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return Reply(head.status_code, headers, body, self._is_over)


class Line(asyncio.Protocol):
    """A connection. `replies` has the whole answers; `fault` says which bytes were not HTTP."""

    def __init__(self, methods: Sequence[str]) -> None:
        self._reading = Reading(methods)
        self._news = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self.replies: list[Reply] = []
        self.fault: str | None = None
        self.is_closed = False

    @classmethod
    async def open(cls, port: int, methods: Sequence[str] = (), address: str | None = None) -> "Line":
        """Raises OSError and TimeoutError."""
        loop = asyncio.get_running_loop()
        local = None if address is None else (address, 0)
        async with asyncio.timeout(CONNECT_WITHIN):
            _, line = await loop.create_connection(lambda: cls(methods), HOST, port, local_addr=local)
        return line

    def say(self, raw: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(raw)

    def say_no_more(self) -> None:
        """Half-close the connection: send no more, and keep reading."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def stop_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    async def heard(self, count: int, within: float) -> bool:
        """Wait for `count` answers in all or for the end of the connection. Return True if either came in
        time."""
        try:
            async with asyncio.timeout(within):
                while len(self.replies) < count and not self.is_closed and self.fault is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def ended(self, within: float) -> bool:
        """Wait for the service to close the connection. Return True if it did in time."""
        return await self.heard(1 << 30, within)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio's, but not their class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._read(b"")

    def _read(self, data: bytes) -> None:
        if self.fault is None:
            try:
                self.replies += self._reading.feed(data)
            except Unreadable as error:
                self.fault = str(error)
        self._news.set()
