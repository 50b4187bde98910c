"""`create_app`: the one place that wires a broker."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from broker.accounts.password_hashes import scheme_for
from broker.accounts.passwords import Passwords
from broker.config import BrokerConfig
from broker.endpoints import (
    authorize,
    better_auth,
    better_auth_webhook,
    health,
    login_page,
    oauth,
    oauth_sessions,
    token,
    well_known,
)
from broker.errors import TRANSLATIONS, is_page, respond
from broker.limits import SignInRates
from broker.metrics import Hashes, watch
from broker.oauth.authorization import RefusedRequest
from broker.oauth.mint import Mint
from broker.oauth.proofs import ProofCheck
from broker.oauth.refresh import RefreshTokens
from broker.sessions.cookies import Jar
from broker.signing.keyring import Keys, Ring
from broker.state import Broker
from broker.storage.codes import RedisCodes
from broker.storage.key_ring import RedisKeyStore
from broker.storage.proofs import RedisProofs
from broker.storage.rates import RedisRates
from broker.storage.readers import RedisReaders
from broker.storage.redis import RedisSessions
from broker.storage.refresh import RedisFamilies
from broker.storage.sql import SqlAccounts, open_accounts
from broker.upkeep import upkeep
from broker.upstreams.seals import Seals
from broker.upstreams.upstreams import Upstreams
from edge.http.direct import direct
from edge.http.middleware import with_middleware
from edge.http.refused_bodies import RefusedBodies
from edge.http.traces import NONE_OF_FASTAPI
from edge.redis.measured_client import MeasuredStore
from edge.telemetry.metrics import Metrics
from edge.upstreams.site import Around
from tokens.dpop import Proofs
from tokens.jwks import local
from tokens.nonces import Nonces
from tokens.verify import Verifier

EXPOSED = (
    "set-auth-token, Date, WWW-Authenticate, DPoP-Nonce, Retry-After, X-Retry-After, RateLimit, "
    "RateLimit-Policy, X-Request-Id"
)


def create_app(
    config: BrokerConfig,
    *,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    metrics: Metrics | None = None,
) -> ASGIApp:
    """The broker as an ASGI application. `now` is seconds since the epoch, `clock` monotonic seconds; its
    metrics are added to `metrics`."""
    metrics = metrics or Metrics()
    api = create_api(config, now=now, clock=clock, metrics=metrics)
    return with_middleware(
        api,
        allowed=config.origins.__contains__,
        exposed=EXPOSED,
        respond=respond,
        translations=TRANSLATIONS,
        # A page calls these two every five minutes, and each other endpoint once in a session.
        direct=direct(api, (token.router, token.exchange), (oauth.router, oauth.token)),
        is_page=is_page,
        responses=metrics.responses,
    )


def create_api(
    config: BrokerConfig,
    *,
    now: Callable[[], float],
    clock: Callable[[], float],
    metrics: Metrics | None = None,
) -> FastAPI:
    """The routes without the middleware; `.openapi()` describes them."""
    metrics = metrics or Metrics()
    store = MeasuredStore(
        config.redis_url, clock, metrics, replicas=config.wait_replicas, deadline=config.redis_deadline
    )
    accounts = open_accounts(config.database_url, own=config.own_database)
    broker = _broker(config, store, accounts, metrics, now, clock)
    app = FastAPI(
        title="chatgate broker",
        lifespan=_lifespan(broker, store, accounts),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NONE_OF_FASTAPI,
    )
    app.state.broker = broker
    app.add_exception_handler(RefusedRequest, authorize.send_back)
    app.include_router(better_auth.router())
    families = (token, oauth, oauth_sessions, authorize, login_page, well_known, better_auth_webhook, health)
    for family in families:
        app.include_router(family.router)
    return app


def _broker(
    config: BrokerConfig,
    store: MeasuredStore,
    accounts: SqlAccounts,
    metrics: Metrics,
    now: Callable[[], float],
    clock: Callable[[], float],
) -> Broker:
    keys = Keys(RedisKeyStore(store), config.secrets, config.algorithm)
    scheme = scheme_for(own_database=config.own_database)
    passwords = Passwords(config.password_cost, scheme=scheme, on_hash=Hashes(metrics))
    watch(metrics, passwords, keys, now)
    seals = Seals(config.secrets)
    around = Around(store, config.redis_url, config.redis_deadline, now, clock)
    return Broker(
        config=config,
        accounts=accounts,
        readers=RedisReaders(store, config.clients.by_id, config.tiers),
        passwords=passwords,
        sessions=RedisSessions(store),
        keys=keys,
        verifier=Verifier(_OwnKeys(keys), issuer=config.issuer, audience=config.audience),
        rates=SignInRates(RedisRates(store), config.sign_in),
        refused_bodies=RefusedBodies(config.sign_in.attempts_per_address, clock),
        mint=Mint(keys, config.issuer, config.audience, now, seals),
        codes=RedisCodes(store),
        families=RedisFamilies(store),
        refresh_tokens=RefreshTokens(config.secrets),
        proof_check=ProofCheck(Proofs(Nonces(config.secrets)), RedisProofs(store), config.issuer),
        jar=Jar(config.secrets[0], secure=config.is_https, prefix=config.cookie_prefix),
        upstreams=Upstreams.of(config.clients, seals, around),
        now=now,
    )


def _lifespan(
    broker: Broker, store: MeasuredStore, accounts: SqlAccounts
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with upkeep(accounts, broker.keys, broker.passwords):
            yield
        broker.passwords.close()
        await broker.upstreams.close()
        await store.close()
        await accounts.close()

    return lifespan


class _OwnKeys:
    """Offers the broker's own ring to its verifier."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._read_from: Ring | None = None
        self._by_kid: local.KeySet = {}

    def known(self, kid: str) -> local.Key | None:
        ring = self._keys.ring
        if ring is not self._read_from:
            self._by_kid = {} if ring is None else local.parse(ring.jwks())
            self._read_from = ring
        return self._by_kid.get(kid)

    async def find(self, kid: str) -> local.Key | None:
        return self.known(kid)
