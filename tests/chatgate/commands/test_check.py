"""`chatgate check` and `chatgate index`."""

import asyncio
import socket
import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis
import uvicorn

from chatgate.environment import here
from edge.redis.client import Store
from rag_backend.app import create_app
from rag_backend.config import Config
from tests.broker.signing.key_rings import keys
from tests.broker.storage.contents import BETTER_AUTH_DDL, layout, run_sql
from tests.chatgate.command_line import chatgate, refused, said
from tests.chatgate.configurations import PRODUCTION
from tests.chatgate.processes import until
from tests.ports import free_ports
from tests.valkey import PATIENT_S

EXAMPLE = Path(__file__).parents[3] / "chatgate.example.toml"
SECRETS = {
    "BROKER_SECRET": "50983e680ec621abd5408e7f84978a055c0d48008be0669e53d23436ea44eadd",
    "BACKENDS_BOOK_SECRET": "44e0af0e81edb1856be1a6772d1f3e28bec2256395b2559e31eb956c449a68fd",
}

OTHER_SECRET = "8a1c99921812943f72d9343934696bc95a85691de8e97cfd9bc6eb9de4270307"


@pytest.fixture
def site(at_home, valkey, monkeypatch):
    """A production site on a living Redis, as before its first start."""
    (at_home / "chatgate.toml").write_text(PRODUCTION)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_REDIS_DEADLINE_SECONDS", str(PATIENT_S))
    for name, secret in SECRETS.items():
        monkeypatch.setenv(f"CHATGATE_{name}", secret)
    return at_home


@pytest.fixture
def backend(site, monkeypatch):
    """The reference backend with the site's secret and no index yet."""
    config = Config(SECRETS["BACKENDS_BOOK_SECRET"].encode(), index=site / "book.db")
    server = uvicorn.Server(uvicorn.Config(create_app(config), log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        until(lambda: server.started)
        yield config
        server.should_exit = True
        thread.join()


@pytest.fixture
def index(site):
    (site / "docs").mkdir()
    (site / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    said("index", "docs", "--base-url", "/", "--into", "book.db")


def test_a_good_configuration_is_summed_up_without_its_secrets(at_home):
    out = said("check")
    assert "development.toml: good for development." in out
    assert "docs\thttp://127.0.0.1:3000 http://localhost:3000 " in out
    assert "\tbook\treader\tguest\t5000" in out
    assert "book\thttp://127.0.0.1:8002" in out
    assert not (at_home / ".chatgate").exists()
    settings = here().settings
    out = said("check")
    for secret in (settings.broker.secret, settings.backends["book"].secret):
        assert secret is not None
        assert secret.get_secret_value() not in out


def test_every_fault_has_its_line(at_home):
    (at_home / "chatgate.toml").write_text(
        PRODUCTION.replace('backend = "book"', 'backend = "bok"\ntire = "x"')
    )
    message = refused("check")
    assert message == "sites.docs.tire: there is no such key. Correct its spelling or remove it.\n"
    (at_home / "chatgate.toml").write_text(PRODUCTION.replace('backend = "book"', 'backend = "bok"'))
    message = refused("check")
    assert "sites.docs.backend: there is no [backends.bok]." in message
    assert "broker.secret: is missing." in message


def test_a_secret_that_can_be_guessed_is_refused(site, monkeypatch):
    for secret in ("better-auth-secret-12345678901234567890", "Change-Me" * 4):
        monkeypatch.setenv("CHATGATE_BROKER_SECRET", secret)
        message = refused("check")
        assert message.startswith(
            "broker.secret: is a published one, an identifier or a token, or looks like words"
        )
        assert secret not in message
    assert refused("check", "--connect") == message


def test_names_of_a_sample_are_warned_of(site):
    result = chatgate("check")
    assert result.exit_code == 0
    assert "warning: broker.url: https://auth.example.org is a sample's" in result.stderr
    assert "warning: sites.docs: https://docs.example.org is a sample's" in result.stderr
    assert "good for production" in result.stdout


def test_the_example_says_which_of_its_names_to_change(site, monkeypatch):
    monkeypatch.setenv("CHATGATE_CONFIG", str(EXAMPLE))
    result = chatgate("check")
    assert result.exit_code == 0
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == [" broker.url", " proxy.url"]


def test_connect_names_what_does_not_answer(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_REDIS_DEADLINE_SECONDS", str(PATIENT_S))
    monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_URL", "http://127.0.0.1:1")
    message = refused("check", "--connect")
    assert "backends.book: http://127.0.0.1:1/readyz does not answer" in message
    assert "redis: " not in message
    valkey.kill()
    assert "redis: does not answer" in refused("check", "--connect")


def test_connect_says_that_nothing_listens_where_a_model_should(site):
    [port] = free_ports(1)
    table = f'kind = "openai"\nurl = "http://127.0.0.1:{port}/v1"\nmodel = "m"\n'
    toml = PRODUCTION.replace('url = "http://backend.internal:8002"\n', table)
    (site / "chatgate.toml").write_text(toml)
    message = refused("check", "--connect")
    assert "does not answer a question: nothing listens at that address. Check the address" in message


def test_connect_names_both_places_of_a_redis_that_is_down(site, valkey):
    valkey.kill()
    message = refused("check", "--connect")
    assert f"REDIS_URL, or redis.url in {site}/chatgate.toml, is its address." in message
    assert "signing keys: cannot be read, as Redis does not answer" in message


def test_connect_reads_the_signing_keys_as_a_broker_would(backend, index, valkey, monkeypatch):
    assert "signing keys\tnone yet; the first broker that runs makes them" in said("check", "--connect")
    make_keys(valkey.url, SECRETS["BROKER_SECRET"].encode())
    assert "signing keys\tyes" in said("check", "--connect")
    monkeypatch.setenv("CHATGATE_BROKER_SECRET", OTHER_SECRET)
    result = chatgate("check", "--connect")
    assert result.exit_code == 1
    assert "signing keys\tno" in result.stdout
    assert "signing keys: the signing key " in result.stderr
    for mend in ("put that secret into broker.previous_secrets", "`chatgate keys retire --unreadable`"):
        assert mend in result.stderr
    monkeypatch.setenv("CHATGATE_BROKER_PREVIOUS_SECRETS", SECRETS["BROKER_SECRET"])
    assert "signing keys\tyes" in said("check", "--connect")


def make_keys(url, secret):
    """The ring of a broker with the secret."""

    async def work():
        store = Store(url, time.monotonic, deadline=PATIENT_S)
        try:
            await keys(store, secret).refresh()
        finally:
            await store.close()

    asyncio.run(work())


def test_connect_refuses_a_redis_that_throws_keys_away(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_REDIS_DEADLINE_SECONDS", str(PATIENT_S))
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in refused("check", "--connect")


def test_connect_says_what_a_backend_lacks_to_be_ready(backend):
    result = chatgate("check", "--connect")
    assert result.exit_code == 1
    assert "/readyz answers 503: There is no index" in result.stderr
    assert "backends.book\tno" in result.stdout
    assert "good for production" not in result.stdout


def test_connect_asks_a_question_as_the_proxy_does(backend, index, monkeypatch):
    out = said("check", "--connect")
    assert "chatgate.toml: good for production." in out
    assert "backends.book\tyes" in out
    monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_SECRET", OTHER_SECRET)
    assert "/chat refuses our secret. Give both sides the same one" in refused("check", "--connect")


class _OfAnotherMake(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_connect_needs_no_readyz_of_a_backend_of_another_make(site, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), _OfAnotherMake) as server:
        monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever).start()
        try:
            assert "backends.book\tyes" in said("check", "--connect")
        finally:
            server.shutdown()


def test_connect_to_a_fresh_site_makes_nothing(backend, index):
    out = said("check", "--connect")
    assert "accounts\tno tables yet; the broker makes them at its first start" in out
    assert not (backend.index.parent / ".chatgate").exists()
    assert not list(backend.index.parent.rglob("accounts.db*"))


def test_connect_to_a_development_that_was_never_started_makes_nothing(at_home):
    out = chatgate("check", "--connect").stdout
    assert "redis\tnot running; `chatgate up` starts it" in out
    assert "signing keys\tin the Redis that `chatgate up` starts" in out
    assert list(at_home.iterdir()) == []


def test_connect_sees_an_empty_database_as_one_without_tables(backend, index, monkeypatch):
    (backend.index.parent / "empty.db").touch()
    monkeypatch.setenv("CHATGATE_BROKER_DATABASE_URL", f"sqlite:///{backend.index.parent}/empty.db")
    assert "accounts\tno tables yet" in said("check", "--connect")


SHARED = (
    "shared with a Better Auth server, passwords in its format; ids are text, columns of plugins that are "
    "read: none; the broker makes the table chatgate_account at its first start"
)


@pytest.mark.parametrize(
    ("more", "own", "said_of_it"),
    [
        ("", "false", f"accounts\t{SHARED}"),
        ("", "true", "accounts\thas the tables of a Better Auth server"),
        ('"phone" text not null, ', "false", "a row needs user.phone, which a sign-up here does not give"),
        ('"banned" integer, ', "false", "columns of plugins that are read: banned"),
    ],
)
def test_connect_describes_a_database_of_better_auth(backend, index, monkeypatch, more, own, said_of_it):
    url = f"sqlite:///{backend.index.parent}/auth.db"
    asyncio.run(run_sql(url, BETTER_AUTH_DDL.replace('"email" text', f'{more}"email" text')))
    monkeypatch.setenv("CHATGATE_BROKER_DATABASE_URL", url)
    monkeypatch.setenv("CHATGATE_BROKER_OWN_DATABASE", own)
    told = chatgate("check", "--connect")
    assert said_of_it in told.stdout + told.stderr
    assert "chatgate_account" not in asyncio.run(layout(url))


def test_connect_describes_the_better_auth_server_of_a_site(site):
    table = '[sites.docs.better_auth]\nupstream = "database"\n'
    url = f'database_url = "sqlite:///{site}/auth.db"\n'
    (site / "chatgate.toml").write_text(f"{PRODUCTION}{table}{url}")
    assert "sites.docs.better_auth: the database refused the request: check" in refused("check", "--connect")
    with closing(sqlite3.connect(site / "auth.db")) as made, made:
        made.execute("CREATE TABLE session (id, token, userId, createdAt, expiresAt)")
        made.execute("CREATE TABLE user (id, emailVerified)")
    made.close()
    [line] = [
        one
        for one in chatgate("check", "--connect").stdout.splitlines()
        if one.startswith("sites.docs.better_auth")
    ]
    assert (
        f"readable: SQLite {sqlite3.sqlite_version}, tables session (id, token, userId, createdAt, " in line
    )
    assert "user (id, emailVerified), without isAnonymous, banned, banExpires" in line


def test_connect_names_a_data_folder_that_cannot_be_used(site, monkeypatch):
    (site / "file").touch()
    monkeypatch.setenv("CHATGATE_DATA_DIR", "file/data")
    assert f"accounts: data_dir: {site}/file/data cannot be used" in refused("check", "--connect")


def test_a_book_is_indexed(at_home):
    (at_home / "docs").mkdir()
    (at_home / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    out = said("index", "docs", "--base-url", "/")
    assert "book.db: 1 pages, 1 passages" in out
    assert (at_home / ".chatgate" / "book.db").is_file()


def test_an_index_goes_where_it_is_told_without_a_configuration(at_home, monkeypatch):
    monkeypatch.setenv("CHATGATE_CONFIG", "gone.toml")
    (at_home / "docs").mkdir()
    (at_home / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    said("index", "docs", "--base-url", "/", "--into", "here.db")
    assert (at_home / "here.db").is_file()


def test_a_folder_without_pages_is_refused(at_home):
    (at_home / "docs").mkdir()
    assert chatgate("index", "docs").exit_code == 1
    assert not (at_home / ".chatgate" / "book.db").exists()
