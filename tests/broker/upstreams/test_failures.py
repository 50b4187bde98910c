"""A Better Auth server, or its storage, that gives no sure answer: 503, nobody let in, nobody signed out."""

import asyncio
import json
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from edge.redis.client import Store, command
from edge.upstreams.site import LOG_EVERY
from tests.broker.upstreams.between import ANSWERS, Between, answer_of
from tests.broker.upstreams.stack import exchange, standing
from tests.broker.upstreams.theirs import NEXT_SECRET, SECRET, visiting
from tests.chat_proxy.service import until
from tests.processes import valkey_server
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

NOW = "remember_seconds = 0\n"


async def unsure(stack, reader, token, logged, key):
    """Sees that all is refused for the moment, and that the log says what to mend."""
    logged.readouterr()
    # The failure before may have been logged a moment ago.
    stack.clock.ahead += LOG_EVERY
    for answer in (await exchange(stack.make(), token), await reader.refresh()):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable"), answer.text
        assert answer.headers["retry-after"]
    for answer in (await reader.ask(), await reader.ask("GET", "/sessions")):
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    text = "".join(logged.readouterr())
    assert "better_auth_unavailable" in text
    assert f"sites.docs.better_auth{key}" in text
    assert token not in text


async def sure(reader):
    """Sees that the reader goes on, by the tokens from before."""
    assert (await reader.ask()).status_code == 200
    assert (await reader.refresh()).status_code == 200


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_server_that_answers_no_session(visitor, theirs, redis, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    between = Between(theirs[0]["http"])
    await between.start()
    table = f'upstream = "http"\nurl = "{between.url}"\ntimeout_seconds = 1\n{NOW}'
    async with standing(redis, tmp_path, table) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await sure(reader)
        for behaviour in ("slow", *ANSWERS):
            between.behaviour = behaviour
            await unsure(stack, reader, token, capsys, ".url")
            between.behaviour = None
            await sure(reader)
    await between.stop()


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_good_session_goes_on_for_the_stated_time(visitor, theirs, redis, tmp_path):
    ada = await visitor()
    await ada.sign_up()
    between = Between(theirs[0]["http"])
    await between.start()
    table = f'upstream = "http"\nurl = "{between.url}"\nremember_seconds = 60\n'
    async with standing(redis, tmp_path, table) as stack:
        reader = await stack.exchanged(await ada.token())
        before = between.asked
        answers = await asyncio.gather(*(reader.ask() for _ in range(8)))
        assert {one.status_code for one in answers} == {200}
        # Eight questions at once were one to the server, and its answer counts for a while.
        assert between.asked == before + 1
        between.behaviour = "html"
        assert (await reader.ask()).status_code == 200
        # One who is not known yet is not let in.
        assert (await exchange(stack.make(), await ada.token())).status_code == 503
    await between.stop()


@pytest.mark.parametrize("visitor", ["http, cookie"], indirect=True)
@pytest.mark.parametrize("secrets", ["", 'secrets = ["a wrong one"]\n'], ids=["none", "wrong"])
async def test_a_server_that_takes_nothing_that_it_is_sent(visitor, table, secrets, redis, tmp_path, capsys):
    """It lacks the `bearer` plugin, and its secret is another one."""
    ada = await visitor()
    await ada.sign_up()
    async with standing(redis, tmp_path, table + secrets + NOW) as stack:
        await stack.refused(await ada.token(), 503)
        assert "took neither the bearer nor the cookie" in "".join(capsys.readouterr())


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_server_that_takes_nothing_any_more(visitor, theirs, redis, tmp_path, capsys, monkeypatch):
    """Its `null` comes as for a token that it did not take, without the end of its cookie. The cookies of a
    balancer before it say nothing."""
    more = "Set-Cookie: node=1; Path=/\r\nSet-Cookie: seen=; Max-Age=0; Path=/\r\n"
    monkeypatch.setitem(ANSWERS, "not taken", answer_of(b"null", more=more))
    ada, bob = await visitor(), await visitor()
    await ada.sign_up()
    await bob.sign_up()
    between = Between(theirs[0]["http"])
    await between.start()
    async with standing(redis, tmp_path, f'upstream = "http"\nurl = "{between.url}"\n{NOW}') as stack:
        token = await ada.token()
        reader, other = await stack.exchanged(token), await stack.exchanged(await bob.token())
        await sure(reader)
        await bob.post("/sign-out")
        assert (await other.ask()).status_code == 401
        assert (await other.refresh()).json()["error"] == "invalid_grant"
        between.behaviour = "not taken"
        await unsure(stack, reader, token, capsys, ".url")
        between.behaviour = None
        await sure(reader)
    await between.stop()


@pytest.mark.parametrize("visitor", ["http, before"], indirect=True)
@pytest.mark.parametrize("secrets", [(SECRET, NEXT_SECRET), (NEXT_SECRET, SECRET)], ids=["last", "first"])
async def test_a_server_takes_another_secret_that_is_listed(visitor, secrets, theirs, redis, tmp_path):
    """It lacks the `bearer` plugin, so the signed cookie alone names a session there."""
    ada, bob = await visitor(), await visitor()
    await ada.sign_up()
    await bob.sign_up()
    between = Between(theirs[0]["http, before"])
    await between.start()
    table = f'upstream = "http"\nurl = "{between.url}"\nsecrets = {list(secrets)}\n{NOW}'
    async with standing(redis, tmp_path, table) as stack, visiting(theirs[0]["http, rotated"]) as after:
        reader, other = [await stack.exchanged(await one.token()) for one in (ada, bob)]
        await sure(reader)
        await bob.post("/sign-out")
        assert (await other.refresh()).json()["error"] == "invalid_grant"
        between.move(theirs[0]["http, rotated"])
        await sure(reader)
        eve = await after()
        await eve.sign_up()
        other = await stack.exchanged(await eve.token())
        before = between.asked
        await sure(other)
        # The secret that it takes is known by now, so each question is one request.
        assert between.asked == before + 2
        await eve.post("/sign-out")
        assert (await other.ask()).status_code == 401
        await sure(reader)
    await between.stop()


@pytest.mark.parametrize("visitor", ["redis"], indirect=True)
async def test_a_redis_that_stands_still(visitor, redis, tmp_path, capsys):
    """The Better Auth server's own Redis, which is not ours."""
    ada = await visitor()
    await ada.sign_up()
    token = await ada.token()
    with valkey_server() as other:
        ours = Store(redis.url, time.monotonic, deadline=PATIENT_S)
        there = Store(other.url, time.monotonic, deadline=PATIENT_S)
        [record] = await ours.run(command("GET", f"better-auth:{token}"))
        await there.run(command("SET", f"mine:{token}", record))
        table = f'upstream = "redis"\nredis_url = "{other.url}"\nkey_prefix = "mine:"\n'
        async with standing(redis, tmp_path, table, redis_deadline=0.3) as stack:
            reader = await stack.exchanged(token)
            await sure(reader)
            other.process.send_signal(signal.SIGSTOP)
            try:
                await unsure(stack, reader, token, capsys, "")
            finally:
                other.process.send_signal(signal.SIGCONT)
            await eventually(reader)
            await there.run(command("SET", f"mine:{token}", "{"))
            await unsure(stack, reader, token, capsys, "")
            await there.run(command("SET", f"mine:{token}", record))
            await sure(reader)
            await there.run(command("SET", f"mine:revoked-sessions-before-{_user(record)}", "9999999999999"))
            assert (await reader.ask()).status_code == 401
        await ours.close()
        await there.close()


@pytest.mark.parametrize("visitor", ["sqlite"], indirect=True)
async def test_a_database_whose_schema_changed(visitor, table, redis, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    path = table.partition("sqlite:///")[2].partition('"')[0]
    async with standing(redis, tmp_path, table + NOW) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await sure(reader)
        for there, back in (
            ("ALTER TABLE session RENAME TO sessions", "ALTER TABLE sessions RENAME TO session"),
            (
                "ALTER TABLE session RENAME COLUMN expiresAt TO ends",
                "ALTER TABLE session RENAME COLUMN ends TO expiresAt",
            ),
        ):
            _change(path, there)
            await unsure(stack, reader, token, capsys, "")
            _change(path, back)
            await sure(reader)


@pytest.mark.parametrize("visitor", ["postgres"], indirect=True)
async def test_a_database_that_stands_still(visitor, table, redis, relay, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    port = await relay.start()
    url = f'database_url = "postgresql://postgres@127.0.0.1:{port}/upstream_camel?sslmode=disable"'
    table = f'upstream = "database"\n{url}\ntimeout_seconds = 0.5\n{NOW}'
    async with standing(redis, tmp_path, table) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await sure(reader)
        relay.freeze()
        await unsure(stack, reader, token, capsys, "")
        relay.thaw()
        await eventually(reader)


async def eventually(reader):
    """Sees that the reader goes on as soon as the server answers again."""

    async def answers():
        return (await reader.ask()).status_code == 200

    await until(answers, 10)
    assert (await reader.refresh()).status_code == 200


def _change(path, statement):
    with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
        connection.execute(statement)
    connection.close()


def _user(record):
    return json.loads(record)["session"]["userId"]
