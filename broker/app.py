"""`create_app`: the one place that wires a broker."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from broker.authorization import RefusedRequest
from broker.config import BrokerConfig
from broker.cookies import Jar
from broker.endpoints import authorize, better_auth, health, login_page, oauth, token, well_known
from broker.errors import TRANSLATIONS, is_page, respond
from broker.figures import Hashes, watch
from broker.issuing import Mint
from broker.keeping import keeping
from broker.keys import Keys, Ring
from broker.passwords import Passwords
from broker.proofs import ProofCheck
from broker.rates import SignInRates
from broker.refresh import RefreshTokens
from broker.state import Broker
from broker.storage.codes import RedisCodes
from broker.storage.key_ring import RedisKeyStore
from broker.storage.proofs import RedisProofs
from broker.storage.rates import RedisRates
from broker.storage.redis import RedisSessions
from broker.storage.refresh import RedisFamilies
from broker.storage.sql import open_accounts
from edge.measured_store import MeasuredStore
from edge.metrics import Metrics
from edge.shell import shell
from tokens.dpop import Proofs
from tokens.jwks import local
from tokens.nonces import Nonces
from tokens.verify import Verifier

EXPOSED = (
    "set-auth-token, WWW-Authenticate, DPoP-Nonce, Retry-After, X-Retry-After, RateLimit, RateLimit-Policy, "
    "X-Request-Id"
)


def create_app(
    config: BrokerConfig,
    *,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    metrics: Metrics | None = None,
) -> ASGIApp:
    """The broker as an ASGI application. `now` is seconds since the epoch, `clock` monotonic seconds; what it
    counts is added to `metrics`."""
    metrics = metrics or Metrics()
    return shell(
        create_api(config, now=now, clock=clock, metrics=metrics),
        allowed=config.origins.__contains__,
        exposed=EXPOSED,
        respond=respond,
        translations=TRANSLATIONS,
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
    """The routes without what stands around them; `.openapi()` describes them."""
    metrics = metrics or Metrics()
    store = MeasuredStore(config.redis_url, clock, metrics, replicas=config.wait_replicas)
    accounts = open_accounts(config.database_url)
    keys = Keys(RedisKeyStore(store), config.secrets, config.algorithm)
    passwords = Passwords(config.password_cost, on_hash=Hashes(metrics))
    watch(metrics, passwords, keys, now)
    broker = Broker(
        config=config,
        accounts=accounts,
        passwords=passwords,
        sessions=RedisSessions(store),
        keys=keys,
        verifier=Verifier(_OwnKeys(keys), issuer=config.issuer, audience=config.audience),
        rates=SignInRates(RedisRates(store), config.sign_in),
        mint=Mint(keys, config.issuer, config.audience, now),
        codes=RedisCodes(store),
        families=RedisFamilies(store),
        refresh_tokens=RefreshTokens(config.secrets),
        proof_check=ProofCheck(Proofs(Nonces(config.secrets)), RedisProofs(store), config.issuer),
        jar=Jar(config.secrets[0], secure=config.is_https),
        now=now,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with keeping(accounts, keys, passwords):
            yield
        passwords.close()
        await store.close()
        await accounts.close()

    app = FastAPI(
        title="chatgate broker",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.broker = broker
    app.add_exception_handler(RefusedRequest, authorize.send_back)
    app.include_router(better_auth.router())
    for family in (token, oauth, authorize, login_page, well_known, health):
        app.include_router(family.router)
    return app


class _OwnKeys:
    """The broker's own ring, as its verifier asks for keys."""

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
