"""A broker for tests that speak HTTP to it: the real application over a real Valkey and a real SQLite
file."""

import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from broker.accounts.password_hashes import Cost
from broker.app import create_app
from broker.config import BrokerConfig, resolve
from edge.config.read import read
from edge.redis.client import Store
from tests.asgi import client_of, running
from tests.broker.service import CALLBACK, EMAIL, ISSUER, SECRET, SITE, TOML, sign_up
from tests.broker.signing.key_rings import Server
from tests.oauth import Key, OAuthSite
from tests.valkey import PATIENT_S


@pytest.fixture
async def store(valkey):
    """The tests' own connection to the broker's Redis."""
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    yield store
    await store.close()


@pytest.fixture
def server(valkey):
    """The key ring as that Redis has it."""
    server = Server(valkey)
    yield server
    server.client.close()


@pytest.fixture
def settings_file(tmp_path):
    path = tmp_path / "chatgate.toml"
    path.write_text(TOML)
    return path


@pytest.fixture
def environment(valkey, tmp_path, redis_deadline):
    return {
        "CHATGATE_BROKER_SECRET": SECRET,
        "CHATGATE_BACKENDS_BOOK_SECRET": "another secret of the tests, as long",
        "CHATGATE_DATA_DIR": str(tmp_path / "data"),
        "REDIS_URL": valkey.url,
        "CHATGATE_REDIS_DEADLINE_SECONDS": str(redis_deadline),
    }


@pytest.fixture
def config(settings_file, environment) -> BrokerConfig:
    """The default configuration, with cheap hashes and limits that tests of other things do not reach."""
    found = resolve(read(settings_file, environment))
    generous = found.sign_in.model_copy(
        update={
            "sign_ups_per_address": 100_000,
            "attempts_per_account": 10_000,
            "attempts_per_address": 100_000,
        }
    )
    return replace(found, password_cost=Cost(memory_kib=64, passes=1), sign_in=generous)


@pytest.fixture
async def start(config):
    """Starts a broker with some of its configuration changed; answers a maker of clients."""
    async with AsyncExitStack() as stack:

        async def start(now=time.time, **changes):
            app = create_app(replace(config, **changes), now=now)
            await stack.enter_async_context(running(app))

            def make(origin=SITE, address="203.0.113.7"):
                headers = {} if origin is None else {"Origin": origin}
                return client_of(app, ISSUER, address, headers=headers)

            return make

        yield start


@pytest.fixture
async def make(start):
    """Makes clients of one broker; each is a browser of its own, on a page of SITE unless told otherwise."""
    return await start()


@pytest.fixture
async def oauth(make):
    """Makes OAuth clients of SITE (or of another): a page, and a window for the broker's own pages."""
    async with AsyncExitStack() as stack:

        async def oauth(key=None, client_id="docs", redirect_uri=CALLBACK, origin=SITE, make=make):
            page = await stack.enter_async_context(make(origin))
            window = await stack.enter_async_context(make(None))
            return OAuthSite(page, window, ISSUER, client_id, redirect_uri, key)

        yield oauth


@pytest.fixture
async def site(oauth):
    """SITE, whose tokens are bound to no key; there is no account yet."""
    return await oauth()


@pytest.fixture
async def bound(oauth, page):
    """A site whose tokens are bound to a key, and an account of EMAIL."""
    await sign_up(page, EMAIL)
    return await oauth(Key())


@pytest.fixture
async def unbound(bound, oauth):
    """The same site without a key, with the same account."""
    return await oauth()


@pytest.fixture
async def page(make):
    """One browser on a page of SITE."""
    async with make() as page:
        yield page
