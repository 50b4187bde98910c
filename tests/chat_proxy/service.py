"""A real proxy on a real port, with Valkey behind it; the broker's keys and the backend are stand-ins."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from broker.storage.redis import RedisSessions
from chat_proxy.app import create_app
from chat_proxy.config import ProxyConfig, resolve
from chat_proxy.streams import leases
from chat_proxy.streams.drain import Drain
from edge.config.read import read
from edge.redis.client import Store, command
from edge.telemetry.metrics import Metrics
from tests.chat_proxy.configuration import configuration
from tests.chat_proxy.event_stream import Stream
from tests.chat_proxy.fake_backend import Backend
from tests.chat_proxy.serving import served
from tests.chat_proxy.tokens import SUB, Publisher, token
from tests.trust import TRUST
from tests.valkey import PATIENT_S
from tokens import liveness


def leases_of(owner: str = SUB, site: str = "docs") -> str:
    """The key of the running answers of a reader or an `address:NETWORK` at a site, or of a `site:NAME`."""
    return f"cg:{{{owner}}}:leases" if owner.startswith("site:") else f"cg:{{{owner}}}:at:{site}:leases"


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


@contextlib.asynccontextmanager
async def neighbours(valkey: Any) -> AsyncIterator[tuple[Backend, Publisher, Store]]:
    """A backend, a broker's keys and a connection to Redis, which a proxy of the tests needs."""
    async with contextlib.AsyncExitStack() as stack:
        backend, publisher = Backend(), Publisher()
        for neighbour in (backend, publisher):
            await neighbour.start()
            stack.push_async_callback(neighbour.stop)
        store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
        stack.push_async_callback(store.close)
        yield backend, publisher, store


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
    async with contextlib.AsyncExitStack() as stack:
        backend, publisher, store = await stack.enter_async_context(neighbours(valkey))
        url = options.pop("backend_url", backend.url)
        path, environ = configuration(folder, redis_url or valkey.url, publisher.url, url, **options)
        config = resolve(read(path, environ))
        drain = drain or Drain()
        metrics = Metrics()
        app = create_app(config, drain=drain, now=now, clock=clock, metrics=metrics, renew_every=renew_every)
        base = await stack.enter_async_context(served(app))
        limits = httpx.Limits(max_connections=None)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, timeout=20, limits=limits, trust_env=False, verify=TRUST)
        )
        service = Service(valkey, store, backend, publisher, base, client)
        service.drain, service.config, service.metrics = drain, config, metrics
        await service.cut(all=1, kids="k1,k2")
        yield service
