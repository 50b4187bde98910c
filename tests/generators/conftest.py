"""Fixtures for generated backends: the files, a broker, a model, and each backend as a process."""

from itertools import count
from operator import attrgetter

import psycopg
import pytest

from scaffold.backend import generate
from tests.broker.storage.sql_stores import postgres_socket, postgres_url  # noqa: F401  fixtures
from tests.generators import model as models
from tests.generators.backends import (
    ALL,
    BROKER_TOML,
    GATEWAY,
    SECRET,
    Client,
    SignedIn,
    anybody,
    chat_proxy,
    environment,
    forks,
)
from tests.ports import free_ports
from tests.processes import broker_process, valkey_server

_NUMBERS = count()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """With each of the generated files, named as backends.module_of has it."""
    folder = tmp_path_factory.mktemp("backends")
    for options in ALL:
        (folder / f"{options.module}.py").write_text(generate(options))
    return folder


@pytest.fixture(scope="session")
def public_port():
    """The port of every backend that takes access tokens, one after the other: tokens name its address."""
    return free_ports(1)[0]


@pytest.fixture(scope="session")
def broker(public_port):
    """Its address."""
    toml = BROKER_TOML.format(proxy=f"http://127.0.0.1:{public_port}")
    with broker_process(toml, secret="the broker's secret of these tests, long") as url:
        yield url


@pytest.fixture(scope="session")
def model_server():
    with models.running() as model:
        yield model


@pytest.fixture
def model(model_server):
    model_server.begin()
    return model_server


@pytest.fixture(scope="session")
def redis_server():
    with valkey_server() as server:
        yield server


@pytest.fixture(scope="session")
def database(postgres_socket):  # noqa: F811
    admin = psycopg.connect(f"postgresql://postgres@/postgres?host={postgres_socket}", autocommit=True)
    admin.execute("CREATE DATABASE generated")
    yield f"postgresql://postgres@/generated?host={postgres_socket}"
    admin.execute("DROP DATABASE generated WITH (FORCE)")
    admin.close()


@pytest.fixture(scope="session", params=ALL, ids=attrgetter("module"))
def options(request):
    return request.param


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    with forks(tmp_path_factory.mktemp("logs")) as started:
        yield started


@pytest.fixture(scope="session")
def url(request, options, folder, model_server, started):
    """The backend's address."""
    environ = environment()
    port = free_ports(1)[0]
    if options.auth == "better-auth":
        port = request.getfixturevalue("public_port")
        environ |= {
            "CHATGATE_BROKER_URL": request.getfixturevalue("broker"),
            "CHATGATE_PROXY_URL": f"http://127.0.0.1:{port}",
            "INTROSPECTION_ID": GATEWAY[0],
            "INTROSPECTION_SECRET": GATEWAY[1],
        }
    if options.auth == "proxy":
        environ["CHATGATE_BACKEND_SECRET"] = SECRET
    if options.db == "redis":
        environ["REDIS_URL"] = request.getfixturevalue("redis_server").url
    if options.db == "postgres":
        environ["DATABASE_URL"] = request.getfixturevalue("database")
    if options.llm:
        environ |= {
            "OPENAI_API_KEY": "key-canary",
            "OPENAI_MODEL": "small",
            "OPENAI_BASE_URL": model_server.url,
        }
    with started.served(folder, options.module, port, environ) as url:
        yield url


@pytest.fixture(scope="session")
def by(request, options):
    if options.auth == "better-auth":
        return SignedIn(request.getfixturevalue("broker"))
    return chat_proxy if options.auth == "proxy" else anybody


@pytest.fixture(scope="session")
def client(url, by):
    client = Client(url, by)
    yield client
    client.close()


@pytest.fixture
def session_id():
    return f"s{next(_NUMBERS)}"
