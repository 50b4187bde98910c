"""The contents of an accounts database, whoever made it."""

import sqlite3
from contextlib import closing

import asyncpg

from broker.storage.sql_tables import OURS


async def layout(url: str) -> dict[str, set[str]]:
    """The columns and indexes of every table."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        found = {
            table: {
                f"{row[1]} {row[2]} {row[3]}" for row in connection.execute(f'pragma table_info("{table}")')
            }
            | {row[1] for row in connection.execute(f'pragma index_list("{table}")')}
            for table in tables
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


async def rows(url):
    """The rows of each table by their ids."""
    tables = await layout(url)
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.row_factory = sqlite3.Row
            found = {table: connection.execute(f'select * from "{table}"').fetchall() for table in tables}
    else:
        connection = await asyncpg.connect(url)
        found = {table: await connection.fetch(f'select * from "{table}"') for table in tables}
        await connection.close()
    found.pop(OURS, None)
    return {table: {one["id"]: dict(one) for one in kept} for table, kept in found.items()}
