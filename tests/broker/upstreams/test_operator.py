"""`chatgate check --connect` describes each server, and the least rights that asking it takes."""

import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import asyncpg
import pytest

from chatgate.environment import read_environment
from chatgate.probes import upstream
from edge.redis.client import Store, command
from tests.broker.upstreams.between import ANSWERS, answer_of
from tests.broker.upstreams.stack import NOW, standing
from tests.ports import free_ports
from tests.processes import valkey_server
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK = r"its clock is \d s (ahead|behind)"
CAMEL = (
    r"session \(id text, token text, userId text, createdAt {time}, expiresAt {time}\) and user "
    r"\(id text, emailVerified {flag}, isAnonymous {flag}, banned {flag}, banExpires {time}\)"
)
SNAKE = (
    r"sessions \(id text, token text, user_id text, created_at {time}, expires_at {time}\) and users "
    r"\(id text, email_verified {flag}, is_anonymous {flag}, banned {flag}, ban_expires {time}\)"
)
NEON = (
    r"neon_auth\.session \(id uuid, token text, userId uuid, createdAt {time}, expiresAt {time}\) and "
    r"neon_auth\.user \(id uuid, emailVerified {flag}, banned {flag}, banExpires {time}\), "
    "without isAnonymous"
)
POSTGRES = {"time": "timestamp with time zone", "flag": "boolean"}
SQLITE = {"time": "date", "flag": "integer"}
SAID = {
    "redis": rf"readable: (Valkey|Redis) \d[\d.]*; {CLOCK}; keys begin with better-auth:",
    "redis, another prefix": rf"readable: .*; {CLOCK}; no key begins with \?: .*key_prefix.*",
    "postgres": rf"readable: PostgreSQL \d[\d.]*, tables {CAMEL.format(**POSTGRES)}; {CLOCK}",
    "postgres, snake": rf"readable: PostgreSQL \d[\d.]*, tables {SNAKE.format(**POSTGRES)}; {CLOCK}",
    "postgres, neon": rf"readable: PostgreSQL \d[\d.]*, tables {NEON.format(**POSTGRES)}; {CLOCK}",
    "sqlite": rf"readable: SQLite 3[\d.]*, tables {CAMEL.format(**SQLITE)}",
    "http": rf"answers get-session; {CLOCK}",
    "jwt": rf"\d+ keys for EdDSA; {CLOCK}",
    "jwt, elsewhere": rf"\d+ keys for EdDSA; {CLOCK}",
}


ANOTHER_PREFIX = 'upstream = "redis"\nkey_prefix = "?"\n'
"""A character that stands for any in the patterns of Redis."""


async def found(folder, redis, table):
    path = folder / "chatgate.toml"
    path.write_text(
        'env = "development"\n[sites.docs]\nbackend = "book"\norigins = ["http://127.0.0.1:3000"]\n'
        f"[sites.docs.better_auth]\n{table}\n[backends.book]\n"
    )
    environ = {"CHATGATE_CONFIG": str(path), "REDIS_URL": redis.url}
    around = read_environment(environ, folder, make=False)
    settings = around.settings.sites["docs"].better_auth
    assert settings is not None
    return await upstream.found(around, "docs", settings)


async def test_findings_are_told(theirs, visitor_of, redis, tmp_path):
    await (await visitor_of("redis")).sign_up()
    for name, said in SAID.items():
        one = await found(tmp_path, redis, theirs[1].get(name, ANOTHER_PREFIX))
        assert one.is_well, (name, one)
        assert re.fullmatch(said, one.note), (name, one.note)


async def test_a_clock_that_is_apart_is_said(behind, redis, tmp_path, monkeypatch):
    more = f"Date: {format_datetime(EPOCH)}\r\nSet-Cookie: better-auth.session_token=; Max-Age=0\r\n"
    monkeypatch.setitem(ANSWERS, "long ago", answer_of(b"null", more=more))
    between = await behind("http")
    table = f'upstream = "http"\nurl = "{between.url}"\n'
    # The server between passes no Date on.
    assert (await found(tmp_path, redis, table)).note == "answers get-session; it does not tell the time"
    between.behaviour = "long ago"
    assert re.search(r"its clock is \d{10} s behind", (await found(tmp_path, redis, table)).note)


async def test_a_fault_is_told_with_its_mend(theirs, redis, tmp_path):
    [port] = free_ports(1)
    wrong = {
        f'upstream = "redis"\nredis_url = "redis://127.0.0.1:{port}"': "key_prefix",
        f'upstream = "http"\nurl = "http://127.0.0.1:{port}/api/auth"': "better_auth.url",
        f'upstream = "http"\nurl = "{theirs[0]["http"]}/wrong"\n': "answered 404",
        theirs[1]["http, cookie"]: "took neither the bearer nor the cookie",
        theirs[1]["http, cookie"] + 'secrets = ["wrong"]': "took neither the bearer nor the cookie",
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
        said = await found(tmp_path, redis, f'upstream = "redis"\nredis_url = "{url}"\n')
        assert said.is_well
        assert said.note == (
            "readable: its version is not for this user; its clock is not for this user; "
            "whether keys have key_prefix is not for this user"
        )
        async with standing(redis, tmp_path, f'upstream = "redis"\nredis_url = "{url}"\n') as stack:
            reader = await stack.exchanged(token)
            assert (await reader.ask()).status_code == 200
            await there.run(command("DEL", f"better-auth:{token}"))
            assert (await reader.ask()).status_code == 401
        await ours.close()
        await there.close()


# `neon_auth` is the schema of Neon Auth: UUIDs for ids, and no column of the `anonymous` plugin.
GRANTS = {
    "postgres": ("upstream_camel", 'GRANT SELECT ON "session", "user" TO {role}'),
    "postgres, neon": (
        "upstream_neon",
        "GRANT USAGE ON SCHEMA neon_auth TO {role};"
        'GRANT SELECT ON neon_auth."session", neon_auth."user" TO {role}',
    ),
}


@pytest.mark.parametrize("visitor", GRANTS, indirect=True)
async def test_a_role_that_may_read_two_tables_is_enough(
    visitor, table, redis, tmp_path, postgres_socket, request
):
    database, grant = GRANTS[request.node.callspec.params["visitor"]]
    admin = await asyncpg.connect(user="postgres", database=database, host=postgres_socket)
    role = f"reader_of_{database}"
    await admin.execute(f"CREATE ROLE {role} LOGIN")
    await admin.execute(grant.format(role=role))
    ada, eve = await visitor(), await visitor()
    await ada.sign_up()
    user = (await eve.sign_up())["user"]
    table = table.replace("postgres@", f"{role}@") + NOW
    async with standing(redis, tmp_path, table) as stack:
        readers = [await stack.exchanged(await one.token()) for one in (ada, eve)]
        assert [(await one.ask()).status_code for one in readers] == [200, 200]
        await ada.post("/sign-out")
        # A ban that leaves the session, as SQL alone makes it.
        banned = 'UPDATE {schema}"user" SET banned = true WHERE id::text = $1'
        schema = "neon_auth." if "neon" in database else ""
        await admin.execute(banned.format(schema=schema), user["id"])
        assert [(await one.ask()).status_code for one in readers] == [401, 401]
    await admin.close()
