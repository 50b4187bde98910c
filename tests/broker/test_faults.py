"""Rows 24, 26 and 28: while Redis gives no sure answer, nothing is granted and nothing is reported as
revoked."""

import asyncio
import signal
import sqlite3
import time
from contextlib import closing
from functools import partial

import pytest
import redis

from edge.redis.commands import DEADLINE
from tests.broker.service import SITE, code, session_of, sign_up
from tests.slow_line import SlowLine
from tests.stalls import Stalls
from tokens import liveness


@pytest.fixture
def redis_deadline():
    return DEADLINE


async def timed(asking):
    """The answer, and the seconds that it took, less those for which this process stood still."""
    began = time.perf_counter()
    async with Stalls() as stalls:
        answer = await asking
        took = time.perf_counter() - began
    return answer, took - stalls.seconds


def kill(valkey):
    valkey.kill()


def stop(valkey):
    valkey.process.send_signal(signal.SIGSTOP)


def go_on(valkey):
    if valkey.process is None:
        valkey.start()
    else:
        valkey.process.send_signal(signal.SIGCONT)


def configure(**changes):
    def harm(valkey):
        with redis.Redis(unix_socket_path=valkey.socket) as client:
            for name, value in changes.items():
                client.config_set(name, value)

    return harm


def follow(valkey):
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")


def require_password(valkey):
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.config_set("requirepass", "unknown to us")
        client.execute_command("CLIENT", "KILL", "SKIPME", "yes")


@pytest.mark.parametrize("harm", [kill, stop, require_password])
async def test_a_redis_that_does_not_answer_is_a_503_within_300_ms(page, valkey, harm):
    await sign_up(page)
    harm(valkey)
    try:
        for method, path in [
            ("GET", "/auth/token"),
            ("POST", "/auth/revoke"),
            ("GET", "/api/auth/get-session"),
            ("POST", "/api/auth/sign-out"),
            ("POST", "/api/auth/revoke-sessions"),
            ("POST", "/api/auth/sign-in/anonymous"),
            ("GET", "/readyz"),
        ]:
            answer, seconds = await timed(page.request(method, path))
            assert answer.status_code == 503, path
            assert seconds < 0.3
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["access-control-allow-origin"] == SITE
            assert "set-cookie" not in answer.headers
        assert (await page.get("/healthz")).status_code == 200
    finally:
        if harm is not require_password:
            go_on(valkey)


@pytest.mark.parametrize(
    ("harm", "refused"),
    [
        (configure(maxmemory=1), ["sign-in/anonymous", "revoke-sessions", "delete-user"]),
        (follow, ["sign-in/anonymous", "sign-out", "revoke-sessions", "delete-user"]),
    ],
)
async def test_a_redis_that_takes_no_writes_makes_no_session(page, valkey, harm, refused):
    await sign_up(page)
    harm(valkey)
    for path in refused:
        answer, seconds = await timed(page.post(f"/api/auth/{path}", json={}))
        assert code(answer) == (503, "TEMPORARILY_UNAVAILABLE"), path
        assert seconds < 0.3
        assert int(answer.headers["retry-after"]) >= 1
        assert "set-cookie" not in answer.headers
    assert (await page.get("/readyz")).status_code == 503
    assert (await page.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("delay", "reply"),
    [(2.0, None), (0.0, b"-LOADING server is loading the dataset in memory\r\n"), (0.0, b"?what\r\n")],
    ids=["slow", "loading", "garbage"],
)
async def test_a_redis_that_is_slow_or_not_itself_is_a_503_within_300_ms(start, valkey, delay, reply):
    async with SlowLine(partial(asyncio.open_unix_connection, valkey.socket)) as line:
        make = await start(redis_url=line.url)
        async with make() as page:
            await sign_up(page)
            line.delay, line.reply = delay, reply
            # Before and after the store has found out that no server is there.
            for method, path in [("GET", "/auth/token"), ("POST", "/api/auth/sign-out")] * 2:
                answer, seconds = await timed(page.request(method, path))
                assert answer.status_code == 503, path
                assert seconds < 0.3
                assert int(answer.headers["retry-after"]) >= 1
                assert "set-cookie" not in answer.headers
            assert (await page.get("/readyz")).status_code == 503
            assert (await page.get("/healthz")).status_code == 200
            line.delay, line.reply = 0.0, None
            async with asyncio.timeout(5):
                while (await page.get("/auth/token")).status_code != 200:  # noqa: ASYNC110 - seen by asking
                    await asyncio.sleep(0.02)


async def test_a_full_redis_still_signs_out(page, valkey):
    await sign_up(page)
    cookie = page.cookies["better-auth.session_token"]
    configure(maxmemory=1)(valkey)
    assert (await page.post("/api/auth/sign-out", json={})).status_code == 200
    answer = await page.get("/auth/token", headers={"Cookie": f"better-auth.session_token={cookie}"})
    assert answer.status_code == 401


async def test_scripts_that_redis_forgot_are_loaded_again(page, valkey):
    await sign_up(page)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.script_flush()
    assert (await page.get("/auth/token")).status_code == 200
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.script_flush()
    assert (await page.post("/api/auth/revoke-sessions", json={})).status_code == 200


async def test_it_is_back_with_redis(page, valkey):
    await sign_up(page)
    stop(valkey)
    assert (await page.get("/auth/token")).status_code == 503
    go_on(valkey)
    async with asyncio.timeout(3):
        while (await page.get("/auth/token")).status_code != 200:  # noqa: ASYNC110 - seen by asking
            await asyncio.sleep(0.02)


async def test_an_emptied_redis_knows_no_reader_and_is_usable_again(page, valkey):
    await sign_up(page)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.flushall()
    assert (await page.get("/auth/token")).status_code == 401
    assert (await page.get("/readyz")).status_code == 200
    await sign_up(page)
    assert (await page.get("/auth/token")).status_code == 200


async def test_no_session_is_judged_without_cuts_and_none_is_revived_by_new_ones(page, valkey):
    await sign_up(page)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.delete(liveness.CUT)
    assert (await page.get("/auth/token")).status_code == 503
    assert (await page.get("/readyz")).status_code == 200
    assert (await page.get("/auth/token")).status_code == 401
    assert await session_of(page) is None


async def test_a_broker_that_starts_without_redis_serves_when_it_is_there(start, valkey):
    valkey.kill()
    make = await start()
    async with make() as page:
        assert (await page.get("/healthz")).status_code == 200
        assert (await page.get("/readyz")).status_code == 503
        assert (await page.get("/.well-known/jwks.json")).status_code == 503
        valkey.start()
        async with asyncio.timeout(3):
            while (await page.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - seen by asking
                await asyncio.sleep(0.02)
        await sign_up(page)
        assert (await page.get("/auth/token")).status_code == 200


async def test_a_cut_ends_the_sessions_made_before_it(page, valkey):
    await sign_up(page)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        seconds, microseconds = client.time()
        client.hset(liveness.CUT, "client:docs", seconds * 1000 + microseconds // 1000)
    assert (await page.get("/auth/token")).status_code == 401


async def test_accounts_that_cannot_be_read_are_a_503(start, tmp_path):
    make = await start(database_url=f"sqlite:///{tmp_path}/other/x.db")
    async with make() as page:
        await sign_up(page, "ada@example.com")
        with closing(sqlite3.connect(tmp_path / "other" / "x.db")) as database, database:
            database.execute('DROP TABLE "account"')
        body = {"email": "ada@example.com", "password": "whatever it is"}
        answer = await page.post("/api/auth/sign-in/email", json=body)
        assert code(answer) == (503, "TEMPORARILY_UNAVAILABLE")
        assert (await page.get("/readyz")).status_code == 503
