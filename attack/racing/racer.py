"""A reader with several sessions who keeps sending requests to both services until stopped."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from attack.stack import Stack, sub_of
from bench.http1 import BadAnswer, request
from bench.load import Answer, Connection
from bench.oauth import Client
from bench.stack import PAGE, PASSWORD, REDIRECT_URI, Reader, sign_in, sign_up, signed_in

COOKIE, SECOND, OAUTH = "cookie", "second", "oauth"
STREAM: Final = "events=3000 pace=50"
"""A question whose answer runs for longer than any round."""
STREAMS: Final = 2
BY_SESSION: Final = ("token", "refresh")
"""Requests that are made without an access token."""
PAUSE: Final = 0.01
"""Seconds between two requests of one connection, at most."""


@dataclass(slots=True)
class Source:
    """A session: a browser's with its cookie, or a page's with refresh tokens. `tokens` has all its
    tokens."""

    name: str
    reader: Reader | None
    client: Client | None
    tokens: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and its answer; `used` is the request's access token, or "". Times are of the monotonic
    clock."""

    what: str
    source: str
    used: str
    asked_at: float
    ended_at: float
    status: int


@dataclass(slots=True)
class Stream:
    """`first_at` is 0 until the first byte arrives, `ended_at` until the stream is cut or over."""

    source: str
    used: str
    asked_at: float
    first_at: float = 0.0
    ended_at: float = 0.0
    is_answer: bool = False


@dataclass
class Racer:
    """`asked` and `streams` record every request of the reader."""

    stack: Stack
    chance: Random
    email: str = field(default_factory=lambda: f"{secrets.token_hex(8)}@example.org")
    sources: dict[str, Source] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    _is_over: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _lines: list[Connection] = field(default_factory=list)

    @property
    def sub(self) -> str:
        return sub_of(self.sources[COOKIE].tokens[0])

    async def enter(self) -> None:
        """Sign up in one browser, and sign in from another and at the broker's own page."""
        port = self.stack.broker.port
        for name, asked in ((COOKIE, sign_up(self.email, PAGE)), (SECOND, sign_in(self.email, PAGE))):
            [reader] = await signed_in(port, [asked], PAGE)
            self.sources[name] = Source(name, reader, None, [reader.token])
        line = await self._open(port)
        client = Client(line, self.stack.issuer, PAGE, "docs", REDIRECT_URI)
        await client.sign_in(self.email, PASSWORD)
        self.sources[OAUTH] = Source(OAUTH, None, client, [client.access_token])

    async def begin(self) -> None:
        """Start the requests, and wait until every stream has begun."""
        for source in self.sources.values():
            renewing = self._tokens if source.client is None else self._refreshes
            # A bound token is no bearer token: only the browsers' tokens are sent to the proxy.
            asking = [self._questions, self._lists, self._ratings] if source.client is None else []
            self._tasks += [asyncio.create_task(work(source)) for work in (renewing, *asking)]
            if source.client is None:
                self._tasks += [asyncio.create_task(self._stream(source)) for _ in range(STREAMS)]
        async with asyncio.timeout(10):
            while not all(stream.first_at for stream in self.streams) or not self.streams:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def stop(self, patience: float) -> None:
        """Send no new requests, and after `patience` seconds end the streams that still run."""
        self._is_over = True
        _, running = await asyncio.wait(self._tasks, timeout=patience)
        for task in running:
            task.cancel()
        for line in self._lines:
            line.close()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _open(self, port: int) -> Connection:
        line = await Connection.open(port)
        self._lines.append(line)
        return line

    async def _repeat(
        self, what: str, source: Source, port: int, ask: Callable[[Connection, str], Awaitable[Answer]]
    ) -> None:
        line = await self._open(port)
        while not self._is_over:
            used = "" if what in BY_SESSION else source.tokens[-1]
            if not line.is_open:
                line = await self._open(port)
            answer = await ask(line, used)
            self.asked.append(Asked(what, source.name, used, answer.asked_at, answer.ended_at, answer.status))
            await asyncio.sleep(self.chance.uniform(0, PAUSE))

    async def _tokens(self, source: Source) -> None:
        async def ask(line: Connection, _: str) -> Answer:
            assert source.reader is not None  # noqa: S101  refreshes are of the others
            answer = await line.ask(source.reader.token_request())
            if answer.status == 200:
                source.tokens.append(answer.json()["token"])
            return answer

        await self._repeat("token", source, self.stack.broker.port, ask)

    async def _refreshes(self, source: Source) -> None:
        async def ask(_: Connection, __: str) -> Answer:
            assert source.client is not None  # noqa: S101
            answer = await source.client.refresh()
            if answer.status == 200:
                source.tokens.append(source.client.access_token)
            return answer

        await self._repeat("refresh", source, self.stack.broker.port, ask)

    async def _questions(self, source: Source) -> None:
        async def ask(line: Connection, used: str) -> Answer:
            return await line.ask(question(used, "How often?", f"s{self.chance.randrange(3)}"))

        await self._repeat("question", source, self.stack.proxy.port, ask)

    async def _lists(self, source: Source) -> None:
        async def ask(line: Connection, used: str) -> Answer:
            return await line.ask(request("GET", "/sessions", headers=bearer(used)))

        await self._repeat("list", source, self.stack.proxy.port, ask)

    async def _ratings(self, source: Source) -> None:
        async def ask(line: Connection, used: str) -> Answer:
            body = {"message_id": secrets.token_urlsafe(12), "rating": "helpful"}
            return await line.ask(request("POST", "/sessions/s0/feedback", body, bearer(used)))

        await self._repeat("rating", source, self.stack.proxy.port, ask)

    async def _stream(self, source: Source) -> None:
        used = source.tokens[-1]
        stream = Stream(source.name, used, time.monotonic())
        self.streams.append(stream)

        def hear(piece: bytes, now: float) -> None:
            stream.first_at = stream.first_at or now
            stream.is_answer = stream.is_answer or piece.startswith(b"event: start")

        line = await self._open(self.stack.proxy.port)
        try:
            answer = await line.ask(question(used, STREAM, "long", events=True), hear)
            stream.ended_at = answer.ended_at
        except (ConnectionError, BadAnswer):
            # The proxy cuts a stream by closing the connection before the last chunk.
            stream.ended_at = time.monotonic()
        stream.first_at = stream.first_at or stream.ended_at


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Origin": PAGE}


def question(token: str, message: str, session_id: str, *, events: bool = False) -> bytes:
    headers = bearer(token) | ({"Accept": "text/event-stream"} if events else {})
    return request("POST", "/chat", {"message": message, "session_id": session_id}, headers)
