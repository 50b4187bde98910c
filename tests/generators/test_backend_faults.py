"""A generated backend as time passes, while a dependency is away, and when it must not start."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

import psycopg
import pytest
import redis

from scaffold.backend import generate
from tests.broker.storage.sql_stores import Relay
from tests.chatgate.processes import until
from tests.generators.backends import (
    PAGE,
    PATIENCE_S,
    SECRET,
    Client,
    anybody,
    code,
    environment,
    only,
    options_of,
    served,
)
from tests.ports import free_ports
from tests.valkey import Valkey

DAY = "50, 86_400\n"
DEADLINE = 3
"""Seconds, as in the files."""
UNAVAILABLE = (503, "temporarily_unavailable")


@contextmanager
def client_of(folder, module, **environ):
    with served(folder, module, free_ports(1)[0], environment(**environ)) as url:
        client = Client(url, anybody)
        yield client
        client.close()


@pytest.fixture
def store(request):
    """The variables of each store in turn, which is empty."""
    if request.param == "redis":
        return {"REDIS_URL": request.getfixturevalue("valkey").url}
    if request.param == "postgres":
        return {"DATABASE_URL": request.getfixturevalue("postgres_url")}
    return {}


@pytest.mark.parametrize(
    ("db", "store"), [(one, one) for one in ("memory", "redis", "postgres")], indirect=["store"]
)
def test_a_conversation_ends_a_day_after_its_last_question(db, store, tmp_path):
    text = generate(options_of("none", db, None))
    assert text.count(DAY) == 1
    (tmp_path / "brief.py").write_text(text.replace(DAY, "50, 1\n"))
    with client_of(tmp_path, "brief", **store) as client:
        assert client.ask(session_id="brief").status_code == 200
        assert client.send("GET", "/sessions/brief").status_code == 200
        until(lambda: client.send("GET", "/sessions/brief").status_code == 404)
        assert client.send("GET", "/sessions").json() == {"sessions": []}
        assert client.send("DELETE", "/sessions/brief").status_code == 404
        assert client.ask(session_id="brief").status_code == 200
        assert len(client.send("GET", "/sessions/brief").json()["messages"]) == 2


@only(lambda options: options.module == "none_postgres_quoted")
def test_postgres_finds_a_conversation_by_an_index_on_its_session_id(client, database):
    assert client.ask(session_id="indexed").status_code == 200
    with psycopg.connect(database) as connection:
        columns = connection.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = i.indkey[0] WHERE i.indrelid = 'chats'::regclass"
        ).fetchall()
        life = connection.execute("SELECT ends_at - now() FROM chats WHERE session_id = 'indexed'").fetchone()
    assert ("session_id",) in columns
    assert life is not None
    assert 86_300 < life[0].total_seconds() <= 86_400


@only(lambda options: options.module == "none_redis_quoted")
def test_redis_indexes_an_owners_session_ids_and_keeps_them_for_a_day(client, redis_server):
    assert client.ask(session_id="indexed").status_code == 200
    with redis.from_url(redis_server.url) as found:
        assert b"indexed" in found.zrange("chat:index:everybody", 0, -1)
        for key in ("chat:index:everybody", "chat:session:everybody:indexed"):
            assert 86_300 < found.ttl(key) <= 86_400


def test_without_redis_the_answer_is_503_and_then_it_goes_on(folder, valkey: Valkey):
    with client_of(folder, "none_redis_quoted", REDIS_URL=valkey.url) as client:
        assert client.ask(session_id="one").status_code == 200
        valkey.kill()
        for answer in (
            client.ask(session_id="one"),
            client.send("GET", "/sessions"),
            client.send("GET", "/sessions/one"),
            client.send("DELETE", "/sessions/one"),
            client.send("GET", "/readyz"),
        ):
            assert code(answer) == UNAVAILABLE
            assert answer.headers["retry-after"] == "2"
            assert answer.headers["access-control-allow-origin"] == PAGE
        valkey.start()
        assert client.ask(session_id="one").status_code == 200
        assert valkey.process is not None
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            assert code(client.ask()) == UNAVAILABLE
            assert time.monotonic() - begun < 2 * DEADLINE
        finally:
            valkey.process.send_signal(signal.SIGCONT)
        assert client.ask(session_id="one").status_code == 200


class ThreadsRelay(Relay):
    """A thread of its own serves it; `tell` calls one of its verbs there."""

    port: int
    tell: Callable[..., object]


@pytest.fixture
def relay(postgres_socket):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    relay = ThreadsRelay(postgres_socket)

    def wait_for(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    relay.port = wait_for(relay.start())
    relay.tell = loop.call_soon_threadsafe
    yield relay
    relay.tell(relay.thaw)
    wait_for(relay.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_without_postgres_the_answer_is_503_and_then_it_goes_on(folder, database, relay):
    url = database.partition("?")[0].replace("@/", f"@127.0.0.1:{relay.port}/")
    with client_of(folder, "none_postgres_quoted", DATABASE_URL=url) as client:
        assert client.ask(session_id="one").status_code == 200
        relay.tell(relay.freeze)
        begun = time.monotonic()
        for answer in (client.ask(session_id="one"), client.send("GET", "/sessions")):
            assert code(answer) == UNAVAILABLE
            assert answer.headers["retry-after"] == "2"
            assert answer.headers["access-control-allow-origin"] == PAGE
        assert time.monotonic() - begun < 4 * DEADLINE
        relay.tell(relay.thaw)
        until(lambda: client.send("GET", "/readyz").status_code == 200)
        assert client.ask(session_id="one").status_code == 200


def test_a_defect_of_the_owners_code_is_500_and_tells_nothing(tmp_path):
    text = generate(options_of("none", "memory", None))
    search = '    asked = set(re.findall(r"\\w{4,}", f"'
    assert text.count(search) == 1
    (tmp_path / "broken.py").write_text(text.replace(search, f'    raise ValueError("canary")\n{search}'))
    with client_of(tmp_path, "broken") as client:
        answer = client.ask()
        assert code(answer) == (500, "internal_error")
        assert "canary" not in answer.text
        assert answer.headers["access-control-allow-origin"] == PAGE
        # uvicorn closes the connection of a defect.
        other = Client(client.http.base_url, anybody)
        assert other.ask(mode="selection_only", selected_text="It is.").status_code == 200
        other.close()


HOSTED = ["CHATGATE_ENV", "ENVIRONMENT", "VERCEL_ENV", "RAILWAY_ENVIRONMENT_NAME", "RENDER", "FLY_APP_NAME"]
MISSING = [
    ("none_redis_quoted", "REDIS_URL"),
    ("none_postgres_quoted", "DATABASE_URL"),
    ("none_memory_openai", "OPENAI_MODEL"),
    ("better_auth_memory_quoted", "CHATGATE_BROKER_URL"),
    ("proxy_memory_quoted", "CHATGATE_BACKEND_SECRET"),
]


@pytest.mark.parametrize("name", HOSTED)
def test_without_authentication_it_starts_for_development_alone(folder, started, name):
    said = started.refused(folder, "none_memory_quoted", environment(**{name: "production"}))
    assert f"{name} is set, and not to development" in said
    assert "--auth better-auth or --auth proxy" in said
    assert "Traceback" not in said


def test_without_authentication_it_says_so(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "none_memory_quoted:app", "--port", "0"],
        cwd=folder,
        env=environment(CHATGATE_ENV="development"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if "startup complete" in line:
                break
        process.terminate()
    assert any("There is no authentication: any client that knows a session id" in line for line in lines)


@pytest.mark.parametrize(("module", "name"), MISSING)
def test_a_missing_variable_is_named(folder, started, module, name):
    said = started.refused(folder, module, environment())
    assert f"{name} must be set" in said
    assert "Traceback" not in said


def test_a_short_secret_of_the_chat_proxy_is_refused(folder):
    command = [sys.executable, "-m", "uvicorn", "proxy_memory_quoted:app", "--port", "0"]
    environ = environment(CHATGATE_BACKEND_SECRET=SECRET[:31])
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode != 0
    assert "at least 32 bytes" in done.stderr
    assert "Traceback" not in done.stderr
