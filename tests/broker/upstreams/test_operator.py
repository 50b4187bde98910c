"""`chatgate check --connect` describes each server, and the least rights that asking it takes."""

import time

import asyncpg
import pytest

from chatgate.environment import read_environment
from chatgate.stack import upstream_probe
from edge.redis.client import Store, command
from tests.broker.upstreams.stack import standing
from tests.ports import free_ports
from tests.processes import valkey_server
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

SAID = {
    "redis": "readable, and its clock is 0 s",
    "redis, 1.6": "readable, and its clock is 0 s",
    "postgres": "readable: tables session, user; its clock is 0 s",
    "postgres, snake": "readable: tables sessions, users; its clock is 0 s",
    "sqlite": "readable: tables session, user",
    "http": "answers get-session, and its clock is",
    "jwt": "keys for EdDSA",
}


async def found(folder, redis, table):
    path = folder / "chatgate.toml"
    path.write_text(
        'env = "development"\n[sites.docs]\nbackend = "book"\norigins = ["http://127.0.0.1:3000"]\n'
        f"[sites.docs.better_auth]\n{table}\n[backends.book]\n"
    )
    environ = {"CHATGATE_CONFIG": str(path), "REDIS_URL": redis.url}
    around = read_environment(environ, folder, make=False)
    settings = around.settings.sites["docs"].better_auth
    return await upstream_probe.found(around, "docs", settings)


async def test_what_is_found_is_said(theirs, visitor_of, redis, tmp_path):
    # A key is made with the first JWT.
    ada = await visitor_of("jwt")
    await ada.sign_up()
    await ada.http.get("/token")
    for name, said in SAID.items():
        one = await found(tmp_path, redis, theirs[1][name])
        assert one.is_well, (name, one)
        assert said in one.note


async def test_what_is_wrong_is_said_with_what_to_mend(theirs, redis, tmp_path):
    [port] = free_ports(1)
    wrong = {
        f'upstream = "redis"\nredis_url = "redis://127.0.0.1:{port}"': "key_prefix",
        f'upstream = "http"\nurl = "http://127.0.0.1:{port}/api/auth"': "better_auth.url",
        f'upstream = "http"\nurl = "{theirs[0]["http"]}/wrong"\n': "answered 404",
        f'upstream = "jwt"\nurl = "{theirs[0]["http"]}/wrong"': "jwks",
        f'upstream = "database"\ndatabase_url = "sqlite:///{tmp_path}/none.db"': "database_url",
        theirs[1]["postgres"] + 'tables = "snake_case"': "lacks a column",
        theirs[1]["postgres"] + 'names = { session = "sessions" }': "lacks a table",
        theirs[1]["postgres"] + 'names = { schema = "neon_auth" }': "lacks a table",
    }
    for table, said in wrong.items():
        one = await found(tmp_path, redis, table)
        assert not one.is_well, table
        assert said in one.note
        assert "sites.docs.better_auth" in one.note


async def test_a_user_of_redis_that_may_get_is_enough(visitor_of, redis, tmp_path):
    ada = await visitor_of("redis")
    await ada.sign_up()
    token = await ada.token()
    with valkey_server() as other:
        ours = Store(redis.url, time.monotonic, deadline=PATIENT_S)
        there = Store(other.url, time.monotonic, deadline=PATIENT_S)
        [record] = await ours.run(command("GET", f"better-auth:{token}"))
        await there.run(
            command("SET", f"better-auth:{token}", record),
            command("ACL", "SETUSER", "chat", "on", ">secret", "~better-auth:*", "+get"),
        )
        url = other.url.replace("unix://", "unix://chat:secret@")
        async with standing(redis, tmp_path, f'upstream = "redis"\nredis_url = "{url}"\n') as stack:
            reader = await stack.exchanged(token)
            assert (await reader.ask()).status_code == 200
            await there.run(command("DEL", f"better-auth:{token}"))
            assert (await reader.ask()).status_code == 401
        await ours.close()
        await there.close()


@pytest.mark.parametrize("visitor", ["postgres"], indirect=True)
async def test_a_role_that_may_read_two_tables_is_enough(visitor, table, redis, tmp_path, postgres_socket):
    ada = await visitor()
    await ada.sign_up()
    admin = await asyncpg.connect(user="postgres", database="upstream_camel", host=postgres_socket)
    await admin.execute("CREATE ROLE reader LOGIN")
    await admin.execute('GRANT SELECT ON "session", "user" TO reader')
    await admin.close()
    table = table.replace("postgres@", "reader@") + "remember_seconds = 0\n"
    async with standing(redis, tmp_path, table) as stack:
        reader = await stack.exchanged(await ada.token())
        assert (await reader.ask()).status_code == 200
        await ada.post("/sign-out")
        assert (await reader.ask()).status_code == 401
