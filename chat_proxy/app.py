"""`create_app`: the one place that wires a chat proxy."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from chat_proxy import description, endpoints
from chat_proxy.admission import Admission
from chat_proxy.challenges import Challenges, NonceField
from chat_proxy.chat import Chat
from chat_proxy.config import ProxyConfig
from chat_proxy.conversations import Conversations
from chat_proxy.cutoff import Cutoff
from chat_proxy.drain import Drain
from chat_proxy.figures import Figures, watch
from chat_proxy.forward import Forward
from chat_proxy.gate import Gate
from chat_proxy.renewal import Renewal
from chat_proxy.state import ChatProxy
from edge.measured_store import MeasuredStore
from edge.metrics import Metrics
from edge.problems import Problem, unavailable
from edge.shell import shell
from edge.store import Store
from edge.traces import Traces
from tokens.dpop import Proofs
from tokens.errors import KeysUnavailable
from tokens.jwks.local import MAX_BYTES
from tokens.jwks.remote import RemoteKeys
from tokens.nonces import Nonces
from tokens.verify import Verifier

EXPOSED: Final = "WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
CHAT: Final = "/chat"
FETCH_WITHIN: Final = 3.0
"""Seconds for the broker's key set. A reader with a new key waits for it; all others do not."""


def create_app(
    config: ProxyConfig,
    *,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    drain: Drain | None = None,
    metrics: Metrics | None = None,
    traces: Traces | None = None,
) -> ASGIApp:
    """The proxy as an ASGI application. `now` is seconds since the epoch, `clock` monotonic seconds; `drain`
    is for whoever hears the signal to stop, and what is counted is added to `metrics`."""
    metrics, traces = metrics or Metrics(), traces or Traces()
    api = create_api(config, now=now, clock=clock, drain=drain or Drain(), metrics=metrics, traces=traces)
    proxy: ChatProxy = api.state.proxy
    app = shell(
        api,
        allowed=config.origins.__contains__,
        exposed=EXPOSED,
        respond=Challenges(config.audience).respond,
        translations={KeysUnavailable: _keys_unavailable},
        direct={("POST", CHAT): Chat(proxy)},
        fields=NonceField(proxy.gate.proofs.nonces, now),
        responses=metrics.responses,
    )
    return traces.around(app)


def create_api(
    config: ProxyConfig,
    *,
    now: Callable[[], float],
    clock: Callable[[], float],
    drain: Drain,
    metrics: Metrics | None = None,
    traces: Traces | None = None,
) -> FastAPI:
    """The routes without what stands around them; `.openapi()` describes them."""
    metrics, traces = metrics or Metrics(), traces or Traces()
    store = MeasuredStore(config.redis_url, clock, metrics)
    forward = Forward(now, traces)

    async def fetch() -> bytes:
        return await forward.get(config.jwks_url, limit=MAX_BYTES, within=FETCH_WITHIN)

    keys = RemoteKeys(fetch, clock)
    proxy = ChatProxy(
        config=config,
        gate=_gate(config, keys, now),
        admission=Admission(store, clock),
        conversations=Conversations(store),
        forward=forward,
        keys=keys,
        drain=drain,
        figures=Figures(metrics),
        traces=traces,
        clock=clock,
    )
    app = FastAPI(
        title="chatgate chat proxy",
        lifespan=_lifespan(proxy, store, metrics),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.proxy = proxy
    app.router.routes.append(Route(CHAT, Chat(proxy), methods=["POST"]))
    app.include_router(endpoints.router)

    described = app.openapi

    def openapi() -> dict[str, Any]:
        return description.complete(described())

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _gate(config: ProxyConfig, keys: RemoteKeys, now: Callable[[], float]) -> Gate:
    verifier = Verifier(keys, issuer=config.issuer, audience=config.audience)
    return Gate(config, verifier, Proofs(Nonces([config.nonce_secret])), now)


def _lifespan(
    proxy: ChatProxy, store: Store, metrics: Metrics
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    renewal = Renewal(proxy.admission, proxy.drain.answers, proxy.clock)

    def look_again() -> None:
        # A cut, a change of the key ring, or a time in which either could have been missed.
        proxy.keys.changed()
        renewal.soon()

    cutoff = Cutoff(store, proxy.drain.answers, look_again)
    watch(metrics, proxy.drain.answers, proxy.keys, cutoff, proxy.clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await proxy.forward.start()
        tasks = [asyncio.create_task(renewal.run()), asyncio.create_task(cutoff.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await proxy.keys.close()
        await proxy.forward.close()
        await store.close()

    return lifespan


def _keys_unavailable(_: KeysUnavailable) -> Problem:
    return unavailable("Tokens cannot be checked at the moment. Try again shortly.")
