"""The contents of an accounts database, of the broker's making or Better Auth's."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from broker.storage.sql_tables import OURS

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "better_auth_passwords.json").read_text())

# The output of `getMigrations` of better-auth 1.7.25, to the letter.
BETTER_AUTH_DDL = """
create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique,
  "emailVerified" {boolean} not null, "image" text, "createdAt" {created} not null,
  "updatedAt" {created} not null);
create table "session" ("id" text not null primary key, "expiresAt" {date} not null,
  "token" text not null unique, "createdAt" {created} not null, "updatedAt" {date} not null,
  "ipAddress" text, "userAgent" text,
  "userId" text not null references "user" ("id") on delete cascade);
create table "account" ("id" text not null primary key, "accountId" text not null,
  "providerId" text not null, "userId" text not null references "user" ("id") on delete cascade,
  "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" {date},
  "refreshTokenExpiresAt" {date}, "scope" text, "password" text, "createdAt" {created} not null,
  "updatedAt" {date} not null);
create index "session_userId_idx" on "session" ("userId");
create index "account_userId_idx" on "account" ("userId");
"""
BETTER_AUTH_ROWS = """
insert into "user" values
  ('u1', 'Ada', 'ada@example.com', {true}, null, {when}, {when}),
  ('u2', 'Bob', 'bob@example.com', {false}, null, {when}, {when});
insert into "account" ("id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt") values
  ('a0', 'u1', 'github', 'u1', 'not a password', {when}, {when}),
  ('a1', 'someone else', 'credential', 'u1', 'not his', {when}, {when}),
  ('a2', 'u1', 'credential', 'u1', '{hash}', {when}, {when}),
  ('a3', '12345', 'github', 'u2', 'not a password', {when}, {when});
insert into "session" values ('s1', {when}, 'token', {when}, {when}, null, null, 'u1');
"""
WHEN = "'2026-11-23T15:01:11.016Z'"
DIALECTS = {
    "sqlite": {"boolean": "integer", "date": "date", "created": "date", "true": "1", "false": "0"},
    "postgresql": {
        "boolean": "boolean",
        "date": "timestamptz",
        "created": "timestamptz default CURRENT_TIMESTAMP",
        "true": "true",
        "false": "false",
    },
}


async def run_sql(url: str, script: str, when: str = WHEN) -> None:
    """`script` with the words of the database that `url` names."""
    words = DIALECTS[url.partition(":")[0]] | {"when": when, "hash": VECTORS[0]["stored"]}
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(script.format(**words))
        return
    connection = await asyncpg.connect(url)
    await connection.execute(script.format(**words))
    await connection.close()


async def layout(url: str) -> dict[str, set[str]]:
    """The columns and indexes of every table."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        found = {
            table: {
                f"{row[1]} {row[2]} {row[3]}" for row in connection.execute(f'pragma table_info("{table}")')
            }
            | {row[1] for row in connection.execute(f'pragma index_list("{table}")')}
            for table in names
        }
        connection.close()
        return found
    connection = await asyncpg.connect(url)
    columns = await connection.fetch(
        "select table_name, column_name, data_type, is_nullable, column_default "
        "from information_schema.columns where table_schema = 'public'"
    )
    indexes = await connection.fetch("select tablename, indexdef from pg_indexes where schemaname = 'public'")
    await connection.close()
    tables: dict[str, set[str]] = {}
    for table, *rest in [*columns, *indexes]:
        tables.setdefault(table, set()).add(" ".join(map(str, rest)))
    return tables


async def rows(url: str) -> dict[str, dict[Any, dict[str, Any]]]:
    """The rows of each table by their ids."""
    tables = await layout(url)
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.row_factory = sqlite3.Row
            found: dict[str, list[Any]] = {
                table: connection.execute(f'select * from "{table}"').fetchall() for table in tables
            }
    else:
        connection = await asyncpg.connect(url)
        found = {table: await connection.fetch(f'select * from "{table}"') for table in tables}
        await connection.close()
    found.pop(OURS, None)
    return {table: {one["id"]: dict(one) for one in kept} for table, kept in found.items()}
