"""Real Better Auth servers, in one process of Node, and the stores that they share with us.

A test module asks for Postgres by `pytest_plugins = ["tests.broker.storage.sql_stores"]`.
"""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest

from chat_proxy.streams import leases
from tests.broker.upstreams.between import Between
from tests.broker.upstreams.stack import NOW, standing
from tests.broker.upstreams.theirs import NEXT_SECRET, SECRET, better_auth_servers, visiting
from tests.broker.upstreams.webhooks import HOOKED, WEBHOOK, WEBHOOK_SECRET
from tests.ports import free_ports
from tests.processes import valkey_server

PRESERVED = {"session": {"preserveSessionInDatabase": True}}
ROTATED = {"secrets": [{"version": 2, "value": NEXT_SECRET}, {"version": 1, "value": SECRET}]}
"""As after a restart with a new secret, over the same storage. The old one stays for what it encrypted."""
SHORT = {"expiresIn": 4, "updateAge": 0}
"""Sessions of four seconds, which each request of the site's pages moves."""
REDIS_PREFIXES = {
    "stored": "st",
    "cached": "ca",
    "stored, cached": "stca",
    "1.6": "old",
    "1.6, stored": "oldst",
    "1.6, cached": "oldca",
    "short": "short",
    "1.6, short": "oldshort",
}
OVER_HTTP = (
    "http",
    "http, cookie",
    "http, named cookie",
    "http, secure cookie",
    "http, 1.6",
    "http, short",
    "http, secondary",
    "http, secondary, 1.6",
)
BY_JWT = ("jwt, secondary", "jwt", "jwt, 1.6", "jwt, ES512", "jwt, elsewhere")
JWKS_PATH = "/.well-known/jwks.json"


@pytest.fixture(scope="session")
def redis():
    """Ours and the Better Auth servers': one server, as a small site has it."""
    with valkey_server() as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres_socket):
    """Empty databases for them, in Postgres; one has the schema that Neon Auth uses."""
    names = ("upstream_camel", "upstream_1_6", "upstream_snake", "upstream_neon")

    async def make():
        admin = await asyncpg.connect(user="postgres", database="postgres", host=postgres_socket)
        for name in names:
            await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        neon = await asyncpg.connect(user="postgres", database="upstream_neon", host=postgres_socket)
        await neon.execute("CREATE SCHEMA neon_auth")
        await neon.close()

    asyncio.run(make())
    return {name: {"host": postgres_socket, "database": name} for name in names}


@pytest.fixture(scope="session")
def theirs(redis, databases, tmp_path_factory):
    """The addresses of the servers, the lines of `[sites.docs.better_auth]` for each, and the ports of the
    webhooks."""
    folder = tmp_path_factory.mktemp("theirs")
    sqlite = folder / "auth.db"
    camel, camel_1_6 = ({"storage": {"postgres": databases[f"upstream_{one}"]}} for one in ("camel", "1_6"))
    shared = {"socket": redis.socket, "prefix": "better-auth:"}
    servers = {
        **_of_redis(shared, camel, camel_1_6),
        **_of_databases(databases, camel, camel_1_6, sqlite),
        **_of_http(shared, str(folder / "rotated.db")),
    }
    hooks = dict(zip(HOOKED, free_ports(len(HOOKED)), strict=True))
    for name, port in hooks.items():
        servers[name]["webhook"] = {"url": f"http://127.0.0.1:{port}{WEBHOOK}", "secret": WEBHOOK_SECRET}
    with better_auth_servers(servers) as addresses:
        yield addresses, _tables(addresses, databases, sqlite), hooks


def _of_redis(shared, camel, camel_1_6):
    stored, cached, old = {"storeSessionInDatabase": True}, {"cookieCache": True}, {"version": "1.6"}
    return {
        "redis": shared | {"social": True},
        "redis, stored": shared | stored | {"prefix": "st:"},
        "redis, cached": shared | cached | {"prefix": "ca:"},
        "redis, stored, cached": shared | stored | cached | {"prefix": "stca:"},
        "redis, rotated": shared | ROTATED,
        "redis, 1.6": shared | old | {"prefix": "old:"},
        "redis, 1.6, stored": shared | old | stored | camel_1_6 | {"prefix": "oldst:"},
        "redis, 1.6, cached": shared | old | cached | {"prefix": "oldca:"},
        "redis, preserved": shared | stored | PRESERVED | camel | {"prefix": "pr:"},
        "redis, 1.6, preserved": shared | old | stored | PRESERVED | camel_1_6 | {"prefix": "oldpr:"},
        "redis, short": shared | {"prefix": "short:", "session": SHORT},
        "redis, 1.6, short": shared | old | {"prefix": "oldshort:", "session": SHORT},
    }


def _of_databases(databases, camel, camel_1_6, sqlite):
    cached, old = {"cookieCache": True}, {"version": "1.6"}
    neon = {"postgres": databases["upstream_neon"] | {"options": "-c search_path=neon_auth"}}
    return {
        "postgres": camel | {"social": True},
        "postgres, cached": camel | cached,
        "postgres, rotated": camel | ROTATED,
        "postgres, 1.6": camel_1_6 | old,
        "postgres, 1.6, cached": camel_1_6 | old | cached,
        "postgres, short": camel | {"session": SHORT},
        "postgres, 1.6, short": camel_1_6 | old | {"session": SHORT},
        "postgres, neon": {"storage": neon, "neon": True, "ids": "uuid"},
        "postgres, snake": {"storage": {"postgres": databases["upstream_snake"]}, "snake": True},
        "sqlite": {"storage": {"sqlite": str(sqlite)}},
    }


def _of_http(shared, rotated_file):
    rotated = {"withoutBearer": True, "withoutJwt": True, "storage": {"sqlite": rotated_file}}
    return {
        "http": {"basePath": "/accounts/v1", "cookieCache": True, "social": True},
        "http, cookie": {"withoutBearer": True},
        "http, named cookie": {"withoutBearer": True, "cookiePrefix": "site"},
        "http, secure cookie": {"withoutBearer": True, "secureCookies": True},
        "http, 1.6": {"version": "1.6", "social": True, "customSession": True},
        "http, short": {"session": SHORT},
        "http, before": rotated,
        "http, rotated": rotated | {"secret": NEXT_SECRET},
        "http, secondary": shared | {"prefix": "http:"},
        "http, secondary, 1.6": shared | {"prefix": "http-old:", "version": "1.6"},
        "jwt": {},
        "jwt, secondary": shared | {"prefix": "jwt:"},
        "jwt, 1.6": {"version": "1.6"},
        "jwt, ES512": {"alg": "ES512"},
        "jwt, elsewhere": {"jwksPath": JWKS_PATH},
    }


def _tables(addresses, databases, sqlite):
    def postgres(name):
        one = databases[name]
        return f'upstream = "database"\ndatabase_url = "postgresql://postgres@/{name}?host={one["host"]}"\n'

    def redis(prefix):
        return f'upstream = "redis"\nkey_prefix = "{prefix}:"\n'

    def asked(way, name):
        return f'upstream = "{way}"\nurl = "{addresses[name]}"\n'

    tables = {
        "redis": 'upstream = "redis"\n',
        **{f"redis, {name}": redis(prefix) for name, prefix in REDIS_PREFIXES.items()},
        **{f"postgres{name}": postgres("upstream_camel") for name in ("", ", cached", ", short")},
        **{f"postgres, 1.6{name}": postgres("upstream_1_6") for name in ("", ", cached", ", short")},
        "postgres, neon": postgres("upstream_neon") + 'tables = "neon_auth"\n',
        "postgres, snake": postgres("upstream_snake")
        + 'tables = "snake_case"\nnames = { session = "sessions", user = "users" }\n',
        "sqlite": f'upstream = "database"\ndatabase_url = "sqlite:///{sqlite}"\n',
        **{name: asked("http", name) for name in OVER_HTTP},
        **{name: asked("jwt", name) for name in BY_JWT},
    }
    tables["http, named cookie"] += 'cookie_name = "site.session_token"\n'
    tables["jwt, elsewhere"] += f'jwks_path = "{JWKS_PATH}"\n'
    return tables


@pytest.fixture
async def visitor(request, theirs):
    """Makes browsers of readers at the server that the test's parameter names."""
    async with visiting(theirs[0][request.param]) as visitor:
        yield visitor


@pytest.fixture
def table(request, theirs):
    """The lines of `[sites.docs.better_auth]` for that server."""
    return theirs[1][request.node.callspec.params["visitor"]]


@pytest.fixture
async def visitor_of(theirs):
    """Makes a browser of a reader at the server of a name."""
    async with AsyncExitStack() as stack:

        async def visitor_of(name):
            return await (await stack.enter_async_context(visiting(theirs[0][name])))()

        yield visitor_of


@pytest.fixture
async def stack(request, redis, table, tmp_path, renew_every):
    """A broker and a proxy that remember no answer of the server that the test's parameter names."""
    name = request.node.callspec.params["visitor"]
    if not name.startswith(("redis", "jwt")):
        table += NOW
    if name.endswith("cookie"):
        table += f'secrets = ["{SECRET}"]\n'
    async with standing(redis, tmp_path, table, renew_every=renew_every) as stack:
        yield stack


@pytest.fixture
def renew_every():
    """Seconds between two looks at the sessions of running answers; a test may name others."""
    return leases.EVERY


@pytest.fixture
async def behind(theirs):
    """Makes a Between in front of the named server, and stops it after the test."""
    made = []

    async def make(name: str) -> Between:
        between = Between(theirs[0][name])
        await between.start()
        made.append(between)
        return between

    yield make
    for between in made:
        await between.stop()
