"""The address that a hosted Postgres gives its owner works as it is: TLS, a pooler, and Neon's parameters.

Postgres, its certificate and PgBouncer are real. Only the name differs: `localhost` stands for
`ep-cool-sun-a1b2c3d4-pooler.eu-central-1.aws.neon.tech`.
"""

import asyncio
import subprocess
import sys

import httpx
import pytest
from cryptography import x509

from broker.accounts.accounts import AccountsUnavailable
from broker.storage.sql import open_accounts
from broker.storage.sql_engines import POOL_SIZE
from tests.broker.storage.accounts_contract import AccountsContract, account
from tests.certificates import Authority
from tests.deploy.postgres import DATABASE, OWNER, PASSWORD, pooler, postgres_server
from tests.folders import open_folder
from tests.ports import free_ports
from tests.processes import serving
from tests.system.stack import own_environment

AS_THE_DASHBOARD_GIVES_IT = "sslmode=require&channel_binding=require"


@pytest.fixture(scope="module")
def authority():
    # The servers are another user's, whom pytest shuts out of its own folders.
    with open_folder() as made:
        yield Authority(made)


@pytest.fixture(scope="module")
def server(authority):
    with postgres_server(authority.sign_server(x509.DNSName("localhost"))) as server:
        server.make_database()
        yield server


@pytest.fixture(scope="module")
def pooled(server, authority):
    # Fewer than the broker opens, so that one transaction's connection to the server is the next one's of
    # another client.
    certificate = authority.sign_server(x509.DNSName("localhost"), "pooler")
    with pooler(server, authority, certificate, pool_size=POOL_SIZE // 4) as found:
        yield found


@pytest.fixture
def trusted(authority, monkeypatch):
    """The certificate's authority is one of those that the machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


def address(port, query=AS_THE_DASHBOARD_GIVES_IT, host="localhost"):
    return f"postgresql://{OWNER}:{PASSWORD}@{host}:{port}/{DATABASE}?{query}"


async def outcome(url):
    store = open_accounts(url)
    try:
        await store.create_schema()
    except AccountsUnavailable as error:
        return str(error)
    finally:
        await store.close()
    return "reached"


@pytest.fixture
async def accounts(server, pooled, trusted):
    server.sql('DROP TABLE IF EXISTS "account", "user"', DATABASE)
    store = open_accounts(address(pooled[0]))
    await store.create_schema()
    yield store
    await store.close()


class TestPooledAccounts(AccountsContract):
    """The whole contract of accounts through PgBouncer in transaction mode."""


async def test_many_at_once_share_few_connections_of_the_pooler(accounts, server):
    ada = account()
    assert await accounts.create(ada, "h")
    found = await asyncio.gather(*(accounts.by_id(ada.id) for _ in range(2 * POOL_SIZE)))
    assert {one.account for one in found} == {ada}
    used = server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'neondb_owner'")
    assert int(used) <= POOL_SIZE // 4


@pytest.mark.parametrize(
    ("query", "host", "expected"),
    [
        (AS_THE_DASHBOARD_GIVES_IT, "localhost", "reached"),
        ("sslmode=verify-full", "localhost", "reached"),
        ("sslmode=require", "127.0.0.1", "reached"),
        # Channel binding is asked for to keep out who stands between; so is a certificate for another name.
        (AS_THE_DASHBOARD_GIVES_IT, "127.0.0.1", "the accounts database cannot be reached"),
        # The server takes no connection without TLS.
        ("sslmode=disable", "localhost", "the accounts database refused the request"),
    ],
)
async def test_tls_is_as_the_address_asks(server, trusted, query, host, expected):
    assert await outcome(address(server.port, query, host)) == expected


async def test_a_certificate_of_an_unknown_authority_is_refused(server):
    assert await outcome(address(server.port)) == "the accounts database cannot be reached"


async def test_the_server_sees_a_connection_with_tls(server, trusted):
    store = open_accounts(address(server.port))
    await store.create_schema()
    # The pooler's own connections come by a unix socket.
    seen = server.sql(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        "WHERE usename = 'neondb_owner' AND client_addr IS NOT NULL"
    )
    await store.close()
    assert seen == "t"


async def test_the_endpoint_that_neon_asks_older_clients_for_reaches_the_pooler(pooled, trusted):
    port, log = pooled
    query = f"{AS_THE_DASHBOARD_GIVES_IT}&options=endpoint%3Dep-cool-sun-a1b2c3d4"
    assert await outcome(address(port, query)) == "reached"
    assert "options=endpoint=ep-cool-sun-a1b2c3d4" in log.read_text()


async def test_options_are_the_servers_as_libpq_has_it(server, accounts, trusted):
    query = f"{AS_THE_DASHBOARD_GIVES_IT}&options=-c%20default_transaction_read_only%3Don"
    reading = open_accounts(address(server.port, query))
    ada = account()
    with pytest.raises(AccountsUnavailable, match="refused the request"):
        await reading.create(ada, "h")
    assert await accounts.create(ada, "h")
    read = await reading.by_id(ada.id)
    assert read is not None
    assert read.account == ada
    await reading.close()


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A folder with a backend that keeps its conversations in Postgres."""
    made = tmp_path_factory.mktemp("generated")
    command = [sys.executable, "-m", "chatgate", "generate", "backend", "--auth", "proxy", "--db", "postgres"]
    subprocess.run([*command, "--output", "backend.py"], cwd=made, check=True, capture_output=True)
    return made


@pytest.mark.parametrize(
    ("is_pooled", "query"),
    [
        # Its driver can bind the channel, which Debian's PgBouncer does not offer.
        (False, AS_THE_DASHBOARD_GIVES_IT),
        (True, "sslmode=require&options=endpoint%3Dep-cool-sun-a1b2c3d4"),
    ],
    ids=["direct", "pooled"],
)
def test_a_generated_backend_takes_the_address_too(generated, server, pooled, is_pooled, query):
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}/readyz"
    environ = own_environment() | {
        "CHATGATE_BACKEND_SECRET": "x1" * 32,
        "DATABASE_URL": address(pooled[0] if is_pooled else server.port, query),
    }
    command = [sys.executable, "-m", "uvicorn", "backend:app", "--port", str(port)]
    with serving(command, url, folder=generated, environ=environ):
        assert httpx.get(url).json() == {"status": "ready"}
    assert server.sql("SELECT count(*) FROM chats", DATABASE) == "0"
