"""A real proxy on a real port, with Valkey behind it; the broker's keys and the backend are stood in for."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from broker.storage.redis import RedisSessions
from chat_proxy.app import create_app
from chat_proxy.config import ProxyConfig, resolve
from chat_proxy.streams import leases
from chat_proxy.streams.drain import Drain
from edge.config.read import read
from edge.redis.client import Store, command
from edge.telemetry.metrics import Metrics
from tests.tokens.signing import HEADER, JWKS, sign
from tests.trust import TRUST
from tests.valkey import PATIENT_S
from tokens import liveness

SITE = "https://docs.example.org"
OTHER_SITE = "https://other.example.org"
SUB = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"
OTHER_SUB = "Xy9BUxbqlMcvOuLvTBppoIkCzqNfYop0"
SECRET = "0123456789abcdef0123456789abcdef-backend"
AUDIENCE = "http://127.0.0.1:8001"
ISSUER = "http://127.0.0.1:8000"
METADATA = f'resource_metadata="{AUDIENCE}/.well-known/oauth-protected-resource"'
ALGS = 'algs="ES256 EdDSA Ed25519"'
GENEROUS = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 100000\n"


def configuration(
    folder: Path,
    redis_url: str,
    jwks_url: str,
    backend_url: str,
    *,
    tiers: Mapping[str, str] | None = None,
    site: str = "",
    other: str = "",
    backend: str = "",
    proxy: str = "",
    more: str = "",
    redis_deadline: float = PATIENT_S,
) -> tuple[Path, dict[str, str]]:
    tables = {"reader": GENEROUS, "guest": GENEROUS, **(tiers or {})}
    text = f"""
env = "development"
[broker]
secret = "0123456789abcdef0123456789abcdef-broker"
[proxy]
jwks_url = "{jwks_url}"
{proxy}
[sites.docs]
origins = ["{SITE}"]
backend = "main"
guests = true
{site}
[sites.other]
origins = ["{OTHER_SITE}"]
backend = "main"
{other}
[backends.main]
url = "{backend_url}"
secret = "{SECRET}"
{backend}
"""
    text += "".join(f"[tiers.{name}]\n{limits}\n" for name, limits in tables.items())
    text += more.format(url=backend_url)
    path = folder / "chatgate.toml"
    path.write_text(text)
    # The proxy makes no write that a replica has to acknowledge.
    return path, {
        "REDIS_URL": redis_url,
        "CHATGATE_REDIS_WAIT_REPLICAS": "0",
        "CHATGATE_REDIS_DEADLINE_SECONDS": str(redis_deadline),
    }


def leases_of(owner: str = SUB, site: str = "docs") -> str:
    """The key of the running answers of a reader or an `address:NETWORK` at a site, or of a `site:NAME`."""
    return f"cg:{{{owner}}}:leases" if owner.startswith("site:") else f"cg:{{{owner}}}:at:{site}:leases"


async def until(holds: Callable[[], Awaitable[bool]], within: float) -> None:
    """Wait for what can only be seen by looking; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Publisher:
    """The broker's key set, and how often it was asked for. It answers once `may_answer` is set."""

    def __init__(self) -> None:
        self.fetches = 0
        self.document = JWKS
        self.is_away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/jwks"

    async def stop(self) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.fetches += 1
            await self.may_answer.wait()
            if not self.is_away:
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.document)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + self.document)
        writer.close()


@dataclass
class Received:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One connection of the proxy to the backend, as a behaviour is handed it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: Received
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.received = received

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def head(
        self, content_type: str = "text/event-stream", *, status: str = "200 OK", extra: str = ""
    ) -> None:
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )

    async def chunk(self, raw: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(raw), raw))

    async def event(self, name: str, **members: Any) -> None:
        await self.chunk(f"event: {name}\ndata: {json.dumps(members)}\n\n".encode())

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def document(self, members: Any) -> None:
        raw = members if isinstance(members, bytes) else json.dumps(members).encode()
        await self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(raw), raw)
        )

    async def gone(self) -> None:
        """Returns when the proxy hung up."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass


Behaviour = Callable[[Peer], Awaitable[None]]


async def answer_plainly(peer: Peer) -> None:
    if "text/event-stream" in peer.received.headers["accept"]:
        await peer.head()
        await peer.event("start")
        await peer.event("delta", text="Hello ")
        await peer.event("delta", text="reader.")
        await peer.event("citation", title="Intro", url="https://docs.example.org/intro", quote="Hi")
        await peer.event("done")
        await peer.end()
    else:
        citation = {"title": "Intro", "url": "https://docs.example.org/intro", "quote": "Hi"}
        await peer.document({"response": "Hello reader.", "citations": [citation]})


async def reached(event: asyncio.Event, asking: asyncio.Task[httpx.Response]) -> None:
    """Returns once the backend has set `event`; fails where `asking` was answered without it."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, asking}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert not asking.done(), asking.result().text


class Paused:
    """A backend's behaviour: it goes on as `then` once `go_on` is set. `asked`: it has a question."""

    def __init__(self, then: Behaviour = answer_plainly) -> None:
        self.then = then
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        self.asked.set()
        await self.go_on.wait()
        await self.then(peer)


@dataclass
class Backend:
    """Speaks bytes, so that it can misbehave in every way. `running` are its open connections."""

    behaviour: Behaviour = answer_plainly
    received: list[Received] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    connections: int = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def is_idle(self) -> bool:
        return not self.running

    async def is_asked(self) -> bool:
        return bool(self.received)

    async def stop(self) -> None:
        self._server.close()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    received = await self._request(reader)
                    self.received.append(received)
                    await self.behaviour(Peer(reader, writer, received))
        finally:
            self.running.discard(task)
            writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in fields)
        headers = {name.lower(): value for name, value in headers.items()}
        return Received(line, headers, await reader.readexactly(int(headers["content-length"])))


class _Server(uvicorn.Server):
    """Goes when it is told: uvicorn's own looks every 100 ms, twice, would be half of the tests' time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=3)
        await self.lifespan.shutdown()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Service:
    """The proxy and its neighbours. `store` is the tests' own connection to the same Valkey. The last
    three are of a proxy in this process."""

    valkey: object
    store: Store
    backend: Backend
    publisher: Publisher
    url: str
    client: httpx.AsyncClient
    drain: Drain = field(init=False)
    config: ProxyConfig = field(init=False)
    metrics: Metrics = field(init=False)
    bearer: str = ""

    async def sign_in(
        self,
        sid: str = "s1",
        sub: str = SUB,
        *,
        client: str = "docs",
        tier: str = "reader",
        proved_by: str = "password",
    ) -> str:
        sessions = RedisSessions(self.store)
        record = {
            "token_hash": liveness.token_hash(sid + sub),
            "remember": "1",
            "client": client,
            "tier": tier,
            "proved_by": proved_by,
            "ip_address": "",
            "user_agent": "",
        }
        assert await sessions.create(sub, sid, await sessions.generation(sub, client), record, cap=50)
        return token(sid=sid, sub=sub, client_id=client, tier=tier)

    async def sign_out(self, sid: str = "s1", sub: str = SUB) -> None:
        assert await RedisSessions(self.store).revoke(sub, sid)

    async def holds_nothing(self, owner: str = SUB) -> bool:
        [count] = await self.store.run(command("ZCARD", leases_of(owner)))
        return count == 0

    async def cut(self, **fields: Any) -> None:
        flat = [part for pair in fields.items() for part in pair]
        await self.store.run(command("HSET", liveness.CUT, *flat))

    def headers(self, bearer: str, *, stream: bool = False) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {bearer}"}
        return headers | ({"Accept": "text/event-stream"} if stream else {})

    async def ask(self, bearer: str, message: Any = "What is this?", **members: Any) -> httpx.Response:
        body = {"message": message, "mode": "normal", **members}
        return await self.client.post("/chat", json=body, headers=self.headers(bearer))

    @contextlib.asynccontextmanager
    async def stream(
        self, bearer: str, message: str = "What is this?", **members: Any
    ) -> AsyncIterator["Stream"]:
        body = {"message": message, "mode": "normal", **members}
        headers = self.headers(bearer, stream=True)
        async with self.client.stream("POST", "/chat", json=body, headers=headers) as answer:
            yield Stream(answer)


class Stream:
    """A streamed answer, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = self._split(answer)

    @staticmethod
    async def _split(answer: httpx.Response) -> AsyncIterator[str]:
        # By LF alone: httpx's own lines also end at U+2028.
        rest = b""
        async for chunk in answer.aiter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()

    async def event(self) -> Any:
        """The next `(name, members)`, or None at the end; comments are `(":", text)`."""
        name, data = None, None
        async for line in self._lines:
            if line.startswith(":"):
                name, data = ":", line[1:].strip()
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and name is not None:
                return name, data
        return None

    async def all(self) -> list[tuple[str, Any]]:
        found = []
        while (event := await self.event()) is not None:
            found.append(event)
        return found


def token(*, kid: str = "k1", **changes: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "sub": SUB,
        "aud": AUDIENCE,
        "client_id": "docs",
        "iat": now,
        "exp": now + 300,
        "jti": "Zk1f8oQm",
        "sid": "s1",
        "scope": "chat history",
        "tier": "reader",
    }
    return sign({**payload, **changes}, {**HEADER, "kid": kid})


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An ASGI application on a free port; its address."""
    server = _Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            access_log=False,
            server_header=False,
            http="httptools",
            ws="none",
            proxy_headers=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    await server.is_up.wait()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.stop.set()
        await serving


@contextlib.asynccontextmanager
async def running(
    valkey: Any,
    folder: Path,
    *,
    redis_url: str | None = None,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    drain: Drain | None = None,
    renew_every: float = leases.EVERY,
    **options: Any,
) -> AsyncIterator[Service]:
    """A proxy with its neighbours, until the end of the block."""
    backend, publisher = Backend(), Publisher()
    await backend.start()
    await publisher.start()
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    url = options.pop("backend_url", backend.url)
    path, environ = configuration(folder, redis_url or valkey.url, publisher.url, url, **options)
    config = resolve(read(path, environ))
    drain = drain or Drain()
    metrics = Metrics()
    app = create_app(config, drain=drain, now=now, clock=clock, metrics=metrics, renew_every=renew_every)
    limits = httpx.Limits(max_connections=None)
    async with (
        served(app) as base,
        httpx.AsyncClient(base_url=base, timeout=20, limits=limits, trust_env=False, verify=TRUST) as client,
    ):
        service = Service(valkey, store, backend, publisher, base, client)
        service.drain, service.config, service.metrics = drain, config, metrics
        await service.cut(all=1, kids="k1,k2")
        yield service
    await store.close()
    await publisher.stop()
    await backend.stop()
