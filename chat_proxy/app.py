"""`create_app`: the one place that wires a chat proxy."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from chat_proxy import endpoints
from chat_proxy import openapi as description
from chat_proxy.admission.admission import Admission
from chat_proxy.admission.vouching import Vouching
from chat_proxy.backends.client import BackendClient
from chat_proxy.challenges import Challenges, NonceField
from chat_proxy.chat import MAX_REFUSED, Chat
from chat_proxy.clients import native, openai, ui_messages
from chat_proxy.clients.form import Form
from chat_proxy.config import ProxyConfig
from chat_proxy.conversations.conversations import Conversations
from chat_proxy.conversations.feedback import Feedback
from chat_proxy.gate import Gate
from chat_proxy.metrics import ProxyMetrics, watch
from chat_proxy.state import ChatProxy
from chat_proxy.streams.drain import Drain
from chat_proxy.streams.leases import EVERY, Leases
from chat_proxy.streams.relief import Relief
from chat_proxy.streams.revocations import Revocations
from edge.http import cors
from edge.http.middleware import with_middleware
from edge.http.problems import Problem, render, unavailable
from edge.http.refused_bodies import RefusedBodies, TooManyRefused
from edge.http.traces import NONE_OF_FASTAPI, Traces
from edge.redis.client import Store
from edge.redis.measured_client import MeasuredStore
from edge.telemetry.metrics import Metrics
from edge.upstreams.site import WAYS, Around, SiteUpstream
from tokens.dpop import Proofs
from tokens.errors import KeysUnavailable
from tokens.jwks.local import MAX_BYTES
from tokens.jwks.remote import RemoteKeys
from tokens.nonces import Nonces
from tokens.verify import Verifier

EXPOSED: Final = (
    "Date, WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, "
    "X-Should-Retry"
)
FORMS: Final[Mapping[str, Form]] = {
    native.PATH: native.Native(),
    openai.PATH: openai.OpenAI(),
    ui_messages.PATH: ui_messages.UIMessages(),
}
"""The dialects in which clients ask, by the path that they post to."""
ALLOW_HEADERS: Final = ", ".join(
    (
        cors.ALLOW_HEADERS,
        "User-Agent, Idempotency-Key, OpenAI-Organization, OpenAI-Project",
        "X-Stainless-Arch, X-Stainless-Async, X-Stainless-Helper-Method, X-Stainless-Lang, X-Stainless-OS",
        "X-Stainless-Package-Version, X-Stainless-Retry-Count, X-Stainless-Runtime",
        "X-Stainless-Runtime-Version, X-Stainless-Timeout",
    )
)
"""Request headers of the official clients, which a page of a site may send too. None is looked at."""
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
    renew_every: float = EVERY,
    owns_process: bool = False,
) -> ASGIApp:
    """The proxy as an ASGI application. `now` is seconds since the epoch, `clock` monotonic seconds; the
    server that receives the signal to stop begins `drain`, and the proxy adds its counters to `metrics`. The
    sessions of running answers are looked at once in `renew_every` seconds. An application that
    `owns_process` gives its free memory back."""
    metrics, traces = metrics or Metrics(), traces or Traces()
    api = create_api(
        config,
        now=now,
        clock=clock,
        drain=drain or Drain(),
        metrics=metrics,
        traces=traces,
        renew_every=renew_every,
        owns_process=owns_process,
    )
    proxy: ChatProxy = api.state.proxy
    app = with_middleware(
        api,
        allowed=config.origins.__contains__,
        exposed=EXPOSED,
        respond=Challenges(config.audience, _rendered).respond,
        translations={KeysUnavailable: _keys_unavailable, TooManyRefused: _too_many_refused},
        allow_headers=ALLOW_HEADERS,
        direct={("POST", path): Chat(proxy, form) for path, form in FORMS.items()},
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
    renew_every: float = EVERY,
    owns_process: bool = False,
) -> FastAPI:
    """The routes without their middleware; `.openapi()` describes them."""
    metrics, traces = metrics or Metrics(), traces or Traces()
    store = MeasuredStore(config.redis_url, clock, metrics, deadline=config.redis_deadline)
    client = BackendClient(now, traces)
    keys = _keys(config, client, clock)
    vouching = _vouching(config, Around(store, config.redis_url, config.redis_deadline, now, clock))
    proxy = ChatProxy(
        config=config,
        gate=_gate(config, keys, now),
        admission=Admission(store, clock, vouching),
        conversations=Conversations(store),
        feedback=Feedback(store),
        client=client,
        keys=keys,
        drain=drain,
        refused_bodies=RefusedBodies(MAX_REFUSED, clock),
        metrics=ProxyMetrics(metrics),
        traces=traces,
        clock=clock,
    )
    app = FastAPI(
        title="chatgate chat proxy",
        lifespan=_lifespan(proxy, store, vouching, metrics, renew_every, owns_process=owns_process),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NONE_OF_FASTAPI,
    )
    app.state.proxy = proxy
    for path, form in FORMS.items():
        app.router.routes.append(Route(path, Chat(proxy, form), methods=["POST"]))
    app.include_router(endpoints.router)
    _complete_description(app)
    return app


def _keys(config: ProxyConfig, client: BackendClient, clock: Callable[[], float]) -> RemoteKeys:
    async def fetch() -> bytes:
        return await client.get(config.jwks_url, limit=MAX_BYTES, within=FETCH_WITHIN)

    return RemoteKeys(fetch, clock)


def _vouching(config: ProxyConfig, around: Around) -> Vouching:
    return Vouching(
        {
            name: SiteUpstream(name, site.better_auth, around)
            for name, site in config.sites.items()
            if site.better_auth is not None and site.better_auth.upstream in WAYS
        }
    )


def _complete_description(app: FastAPI) -> None:
    described = app.openapi

    def openapi() -> dict[str, Any]:
        return description.complete(described())

    app.openapi = openapi  # type: ignore[method-assign]


def _gate(config: ProxyConfig, keys: RemoteKeys, now: Callable[[], float]) -> Gate:
    verifier = Verifier(keys, issuer=config.issuer, audience=config.audience)
    return Gate(config, verifier, Proofs(Nonces([config.nonce_secret])), now)


def _lifespan(
    proxy: ChatProxy,
    store: Store,
    vouching: Vouching,
    metrics: Metrics,
    renew_every: float,
    *,
    owns_process: bool,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    renewal = Leases(proxy.admission, proxy.drain.answers, proxy.clock, renew_every)

    def look_again() -> None:
        # A cut, a change of the key ring, or a time in which either could have been missed.
        proxy.keys.changed()
        renewal.soon()

    cutoff = Revocations(store, proxy.drain.answers, look_again)
    watch(metrics, proxy.drain.answers, proxy.keys, cutoff, proxy.clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await proxy.client.start()
        tasks = [asyncio.create_task(renewal.run()), asyncio.create_task(cutoff.run())]
        if owns_process:
            tasks.append(asyncio.create_task(Relief(proxy.drain.answers).run()))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await proxy.keys.close()
        await proxy.client.close()
        await vouching.close()
        await store.close()

    return lifespan


def _rendered(scope: Scope, problem: Problem) -> Response:
    return openai.render(problem) if scope["path"].startswith(openai.ROOT) else render(problem)


def _keys_unavailable(_: KeysUnavailable) -> Problem:
    return unavailable("Tokens cannot be checked at the moment. Try again shortly.")


def _too_many_refused(error: TooManyRefused) -> Problem:
    headers = {"Retry-After": str(math.ceil(error.retry_after))}
    return Problem(
        429, "rate_limited", "Too many requests of yours were no questions. Wait a moment.", headers
    )
