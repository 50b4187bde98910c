"""A broker and a proxy in front of one Redis, for a site that has a Better Auth server of its own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import jwt

from broker.app import create_app
from broker.config import resolve
from broker.oauth.grants import better_auth
from edge.config.read import read
from tests.asgi import client_of
from tests.asgi import running as running_app
from tests.chat_proxy import service as proxies
from tests.chat_proxy.configuration import SITE
from tests.chat_proxy.fake_backend import Peer
from tests.chat_proxy.holder import Holder
from tests.oauth import EXCHANGE, Key, OAuthSite
from tests.valkey import PATIENT_S, Valkey

BROKER = "http://127.0.0.1:8000"

NOW = "remember_seconds = 0\n"
"""A line of a site whose sessions there are asked for again at each question."""


@dataclass
class Clock:
    """Seconds, `ahead` of those that the machine's `clock` tells."""

    clock: Callable[[], float]
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.clock() + self.ahead


@dataclass
class Stack:
    """`service` is the proxy with its neighbours; `make` makes OAuth clients of the site's page; `clock`
    (monotonic) and `now` are those of both services. `receiver` is told what a webhook tells."""

    service: proxies.Service
    make: Callable[..., OAuthSite]
    clock: Clock
    now: Clock
    receiver: Any = None
    is_of_jwts: bool = False

    async def exchanged(self, token: str, **more: Any) -> "Reader":
        """The tokens for a session of the site's Better Auth server, and the client that holds them."""
        site = self.make()
        answer = await exchange(site, token, **more)
        assert answer.status_code == 200, answer.text
        return self.reader(site, answer.json())

    async def begun(self, reader: "Reader") -> asyncio.Task[httpx.Response]:
        """The task of a reader's question. Its answer has begun, and ends only if the proxy ends it."""
        begun = asyncio.Event()

        async def endless(peer: Peer) -> None:
            await peer.head()
            await peer.event("start")
            await peer.event("delta", text="Hello")
            begun.set()
            await peer.gone()

        self.service.backend.behaviour = endless
        asking = asyncio.create_task(reader.ask(headers=[("Accept", "text/event-stream")]))
        await begun.wait()
        return asking

    def reader(self, site: OAuthSite, tokens: dict[str, Any]) -> "Reader":
        return Reader(self.service, site, tokens)

    async def refused(self, token: str, status: int = 400) -> httpx.Response:
        """Sees that the broker exchanges nothing for `token`."""
        answer = await exchange(self.make(), token)
        assert answer.status_code == status, answer.text
        return answer


@dataclass
class Reader:
    """A page with tokens bound to its key."""

    service: proxies.Service
    site: OAuthSite
    tokens: dict[str, Any]

    async def ask(self, method: str = "POST", path: str = "/chat", **options: Any) -> httpx.Response:
        holder = Holder(self.service, key=self.site.key)
        holder.token = self.tokens["access_token"]
        return await holder.send(method, path, **options)

    @property
    def claims(self) -> dict[str, Any]:
        return jwt.decode(self.tokens["access_token"], options={"verify_signature": False})

    async def refresh(self) -> httpx.Response:
        answer = await self.site.refresh(self.tokens["refresh_token"])
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer


async def exchange(
    site: OAuthSite, token: str, kind: str = better_auth.SESSION, **more: Any
) -> httpx.Response:
    return await site.token(grant_type=EXCHANGE, subject_token=token, subject_token_type=kind, **more)


@asynccontextmanager
async def standing(
    valkey: Valkey, folder: Path, table: str, *, redis_deadline: float = PATIENT_S, **options: Any
) -> AsyncIterator[Stack]:
    """`table` has the lines of `[sites.docs.better_auth]`."""
    text = f"[sites.docs.better_auth]\n{table}"
    clock, now = Clock(time.monotonic), Clock(time.time)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            proxies.running(
                valkey, folder, site=text, redis_deadline=redis_deadline, now=now, clock=clock, **options
            )
        )
        environ = {"REDIS_URL": valkey.url, "CHATGATE_REDIS_DEADLINE_SECONDS": str(redis_deadline)}
        environ |= {"CHATGATE_DATA_DIR": str(folder / "data")}
        config = resolve(read(folder / "chatgate.toml", environ))
        generous = config.sign_in.model_copy(update={"attempts_per_address": 100_000})
        app = create_app(replace(config, sign_in=generous), now=now, clock=clock)
        broker = await stack.enter_async_context(running_app(app))
        page = await stack.enter_async_context(client_of(broker, BROKER, headers={"Origin": SITE}))
        keys = await page.get("/.well-known/jwks.json")
        service.publisher.document = json.dumps(keys.json()).encode()

        def make(key: Key | None = None) -> OAuthSite:
            return OAuthSite(page, page, BROKER, "docs", "", key or Key())

        yield Stack(service, make, clock, now)
