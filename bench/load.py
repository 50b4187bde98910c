"""A small HTTP/1.1 keep-alive client and the sums over its answers. It runs in a process of its own, so that
its processor time is not counted as a service's."""

import asyncio
import gc
import json
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast

import uvloop

HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds for any one answer; a measurement with a slower one is void."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """Times are of the monotonic clock, which all processes of a machine share."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: float
    ended_at: float

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One request at a time. `hear` is called with each piece of a body as soon as it arrives."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._whole: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, HOST, port)
        return connection

    async def ask(self, raw: bytes, hear: Callable[[bytes, float], None] | None = None) -> Answer:
        """Raises BadAnswer, ConnectionError and TimeoutError."""
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._parser = Parser()
        self._head: Head | None = None
        self._body: list[bytes] = []
        self._hear = hear or (lambda piece, _at: self._body.append(piece))
        self._whole = asyncio.get_running_loop().create_future()
        self._asked_at = time.monotonic()
        self._transport.write(raw)
        return await asyncio.wait_for(self._whole, PATIENCE)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def say(self, raw: bytes) -> None:
        """Send bytes without waiting for an answer."""
        if self._transport is not None:
            self._transport.write(raw)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio's, but not their class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole = self._whole
        if whole is None or whole.done():
            return
        try:
            for event in self._parser.feed(data):
                if isinstance(event, bytes):
                    self._hear(event, now)
                elif isinstance(event, Head):
                    self._head = event
                else:
                    assert self._head is not None
                    body = b"".join(self._body)
                    head = self._head
                    whole.set_result(Answer(head.status, head.headers, body, self._asked_at, now))
        except (BadAnswer, ValueError) as error:
            whole.set_exception(BadAnswer(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(ConnectionError("the server closed the connection"))


@dataclass(slots=True)
class Tally:
    """The result of a load. Latencies are in milliseconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    def add(self, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        self.latencies.append((answer.ended_at - answer.asked_at) * 1000)

    def require(self, status: int) -> "Tally":
        """Return this tally. Raises AssertionError with all statuses if any answer had another one."""
        assert set(self.statuses) == {status}, f"answers were {dict(self.statuses)}"
        return self


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all do not exceed: the nearest rank, never in between."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """A closed loop: every connection repeats its own requests for `seconds`.

    `pause` is the time between an answer and the next request of the same connection.
    """

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    pause: float = 0.0


async def run(plan: Plan) -> Tally:
    tally = Tally()
    lines = [await Connection.open(plan.port) for _ in range(plan.connections)]
    begun = time.monotonic()

    async def repeat(at: int, line: Connection) -> None:
        mine = plan.requests[at :: plan.connections] or plan.requests
        turn = 0
        while time.monotonic() - begun < plan.seconds:
            tally.add(await line.ask(mine[turn % len(mine)]))
            turn += 1
            if plan.pause:
                await asyncio.sleep(plan.pause)

    await asyncio.gather(*(repeat(at, line) for at, line in enumerate(lines)))
    tally.seconds = time.monotonic() - begun
    for line in lines:
        line.close()
    return tally


async def ask_all(port: int, requests: Sequence[bytes], connections: int) -> list[Answer]:
    """Send each request once, `connections` at a time. Returns the answers in the order of the requests."""
    waiting = list(enumerate(requests))[::-1]
    answers: dict[int, Answer] = {}

    async def work() -> None:
        line = await Connection.open(port)
        while waiting:
            at, raw = waiting.pop()
            answers[at] = await line.ask(raw)
        line.close()

    await asyncio.gather(*(work() for _ in range(min(connections, len(requests)))))
    return [answers[at] for at in range(len(requests))]


Work = Callable[..., Coroutine[Any, Any, Any]]


class Generator:
    """The process that makes the load. `start` takes a function of a module and its arguments."""

    def __enter__(self) -> "Generator":
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        # The process starts here, before any measurement.
        self._pool.submit(gc.freeze).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def start(self, work: Work, *arguments: Any) -> "Future[Any]":
        return self._pool.submit(_in_a_loop, work, arguments)

    def call(self, work: Work, *arguments: Any) -> Any:
        return self.start(work, *arguments).result()


def _in_a_loop(work: Work, arguments: tuple[Any, ...]) -> Any:
    return uvloop.run(work(*arguments))
