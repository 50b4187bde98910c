"""A small HTTP/1.1 keep-alive client and the sums over its answers. It runs in a process of its own, so that
its processor time is not counted as a service's."""

import asyncio
import gc
import json
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast

import uvloop

from bench.http1 import HOST, BadAnswer, Head, Parser

PATIENCE = 30.0
"""Seconds for any one answer; a measurement with a slower one is void."""


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
