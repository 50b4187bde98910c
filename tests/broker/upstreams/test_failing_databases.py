"""A Better Auth server's database that gives no sure answer, and clocks that are apart."""

import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from edge.redis.client import Store, command
from tests.broker.upstreams.doubts import eventually, sure, unsure
from tests.broker.upstreams.stack import NOW, standing
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]


@pytest.fixture
def changed(request, table, databases):
    """Runs a statement in the database of the server that the test's parameter names."""
    if request.node.callspec.params["visitor"] == "sqlite":
        path = table.partition("sqlite:///")[2].partition('"')[0]

        async def changed(statement):
            with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
                connection.execute(statement)

        return changed

    async def changed_there(statement):
        connection = await asyncpg.connect(user="postgres", **databases["upstream_camel"])
        await connection.execute(statement)
        await connection.close()

    return changed_there


@pytest.fixture
def ending(request, redis, changed):
    """Makes the session of a token end in a number of seconds by the machine's clock."""

    async def ending(token, seconds):
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        if request.node.callspec.params["visitor"] == "postgres":
            await changed(f"UPDATE session SET \"expiresAt\" = '{at.isoformat()}' WHERE token = '{token}'")
            return
        store = Store(redis.url, time.monotonic, deadline=PATIENT_S)
        [raw] = await store.run(command("GET", f"better-auth:{token}"))
        record = json.loads(raw)
        record["session"]["expiresAt"] = at.isoformat()
        await store.run(command("SET", f"better-auth:{token}", json.dumps(record)))
        await store.close()

    return ending


@pytest.mark.parametrize("visitor", ["sqlite", "postgres"], indirect=True)
async def test_a_database_whose_schema_changed(visitor, table, redis, tmp_path, capsys, changed):
    ada = await visitor()
    await ada.sign_up()
    async with standing(redis, tmp_path, table + NOW) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await sure(reader)
        for there, back in (
            ("session RENAME TO sessions", "sessions RENAME TO session"),
            ('session RENAME COLUMN "expiresAt" TO ends', 'session RENAME COLUMN ends TO "expiresAt"'),
        ):
            await changed(f"ALTER TABLE {there}")
            try:
                await unsure(stack, reader, token, capsys, "")
            finally:
                await changed(f"ALTER TABLE {back}")
            await sure(reader)


@pytest.mark.parametrize("visitor", ["redis", "postgres"], indirect=True)
async def test_a_clock_that_is_apart_ends_no_session(visitor, table, redis, tmp_path, capsys, ending):
    ada = await visitor()
    await ada.sign_up()
    if "postgres" in table:
        table += NOW
    async with standing(redis, tmp_path, table) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await ending(token, 30)
        await sure(reader)
        stack.now.ahead = 50
        await unsure(stack, reader, token, capsys, ": the clocks")
        stack.now.ahead = 0
        await sure(reader)
        if "postgres" in table:
            # Ours is behind, so that it has not ended by ours.
            stack.now.ahead = -50
            assert (await reader.refresh()).status_code == 200
            assert (await reader.ask()).status_code == 200
            await ending(token, -10)
            await unsure(stack, reader, token, capsys, ": the clocks")
            stack.now.ahead = 0
        await ending(token, -1)
        assert (await reader.ask()).status_code == 401
        assert (await reader.refresh()).json()["error"] == "invalid_grant"


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
        await relay.stop()
        await unsure(stack, reader, token, capsys, "")
