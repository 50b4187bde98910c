"""Asks the database of a Better Auth server, in Postgres or SQLite. It only reads."""

import asyncio
import re
import sqlite3
from collections.abc import Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, RowMapping

from edge.async_engine import AsyncEngine, create_async_engine
from edge.config.better_auth import NAMES, BetterAuth
from edge.database_url import driver_url
from edge.upstreams import session
from edge.upstreams.session import ForeignSession, Reference, UpstreamUnavailable

WAY: Final = "database"
_T = TypeVar("_T")
POOL_SIZE: Final = 4
"""Connections of one worker; further questions wait, within their time."""
POOL_RECYCLE_S: Final = 300
"""A serverless Postgres closes connections that are idle for minutes."""
_OF_PLUGINS: Final = frozenset({"user.isAnonymous", "user.banned", "user.banExpires"})
"""Columns that only a plugin makes; in a table without one, no user has the flag."""
_NOW: Final = "now"
"""The time by the clock of the database, beside the columns. SQLite runs by our clock."""
_CAPITAL: Final = re.compile(r"[A-Z]")
_PRODUCTS: Final = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}

# The first row that fits gives the reason; the driver's own text would show SQL and addresses.
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "the database did not answer in time"),
    (sa.exc.TimeoutError, "every connection to the database is in use"),
    (sa.exc.NoSuchTableError, "the database lacks a table"),
    (sa.exc.ProgrammingError, "the database lacks a table or column, or the right to read it"),
    (sa.exc.SQLAlchemyError, "the database refused the request"),
    (OSError, "the database cannot be reached"),
    (sqlite3.Error, "the database cannot be opened"),
    (KeyError, "the database lacks a column"),
    (ValueError, "the database holds a value that is not as Better Auth writes it"),
    (TypeError, "the database holds a value that is not as Better Auth writes it"),
)


class SharedDatabase:
    """`seconds` bound each question. Raises BadDatabaseUrl."""

    way = WAY

    def __init__(self, settings: BetterAuth) -> None:
        assert settings.database_url is not None  # noqa: S101  edge.config.checks refuses to read without it
        self._engine = _engine(settings.database_url.get_secret_value(), settings.timeout_seconds)
        self._names = names_of(settings)
        self._seconds = settings.timeout_seconds
        self._query: sa.Select[Any] | None = None
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def find(self, token: str, now: float) -> ForeignSession | None:
        if not session.TOKEN.fullmatch(token):
            return None
        row = await self._row(token)
        if row is None:
            return None
        try:
            found = _read(row, now)
        except (KeyError, TypeError, ValueError) as error:
            raise _unavailable(error) from None
        if found.token != token:
            return None
        theirs = row[_NOW].timestamp() if _NOW in row else None
        return found if session.lives(found.expires_at / 1000, now, theirs) else None

    async def look(self, reference: Reference, now: float) -> ForeignSession | None:
        found = await self.find(reference.token, now)
        return found if found is not None and found.reference(WAY) == reference else None

    async def describe(self, now: float) -> str:
        await self._row("0" * 32)
        dialect = self._engine.dialect
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        types = await self._bounded(self._types())
        text = f"readable: {_PRODUCTS[dialect.name]} {version}, tables {self._tables(types)}"
        if dialect.name == "sqlite":
            return text
        at = await self._bounded(self._time())
        return f"{text}; {session.apart(at.timestamp(), now)}"

    async def close(self) -> None:
        await self._engine.dispose()

    def _tables(self, types: Mapping[str, Mapping[str, str]]) -> str:
        """The tables with the columns that are read, as they are called there, and their types."""
        found = [] if self._query is None else self._query.selected_columns.keys()
        schema = f"{self._names['schema']}." if self._names["schema"] else ""
        tables = []
        for table in ("session", "user"):
            columns = [self._names[name] for name in found if name.startswith(f"{table}.")]
            typed = [f"{column} {types[table][column]}".strip() for column in columns]
            tables.append(f"{schema}{self._names[table]} ({', '.join(typed)})")
        without = [self._names[name] for name in NAMES if name in _OF_PLUGINS and name not in found]
        return " and ".join(tables) + (f", without {', '.join(without)}" if without else "")

    async def _row(self, token: str) -> RowMapping | None:
        try:
            return await self._bounded(self._asked(token))
        except UpstreamUnavailable:
            # A column may have been added or taken away since: the next question looks again.
            self._query = None
            raise

    async def _bounded(self, asked: Coroutine[Any, Any, _T]) -> _T:
        # A driver that is cancelled cleans up with a server that does not answer, for seconds. So the task
        # finishes that by itself, and no caller waits for it.
        task = asyncio.create_task(asked)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._seconds)
            if not done:
                raise TimeoutError
            return task.result()
        except tuple(kind for kind, _ in _REASONS) as error:
            raise _unavailable(error) from None
        finally:
            if not task.done():
                task.cancel()
                self._abandoned.add(task)
                task.add_done_callback(self._abandoned.discard)

    async def _asked(self, token: str) -> RowMapping | None:
        async with self._engine.connect() as connection:
            if self._query is None:
                self._query = await connection.run_sync(_query, self._names)
            result = await connection.execute(self._query, {"token": token})
            row: RowMapping | None = result.mappings().first()
            return row

    async def _types(self) -> dict[str, dict[str, str]]:
        async with self._engine.connect() as connection:
            return await connection.run_sync(_types, self._names)

    async def _time(self) -> datetime:
        async with self._engine.connect() as connection:
            at: datetime = (await connection.execute(sa.select(sa.func.now()))).scalar_one()
            return at


def names_of(settings: BetterAuth) -> dict[str, str]:
    """The name of each table and column in this database, by Better Auth's own."""
    found = {name: name.rpartition(".")[2] for name in NAMES}
    found["schema"] = "neon_auth" if settings.tables == "neon_auth" else ""
    if settings.tables == "snake_case":
        found = {name: _CAPITAL.sub(lambda one: f"_{one[0].lower()}", here) for name, here in found.items()}
    return found | settings.names


def _query(connection: Connection, names: dict[str, str]) -> sa.Select[Any]:
    """The query by `token`, each column under Better Auth's own name. Raises KeyError for one that is
    missing."""
    schema = names["schema"] or None
    inspector = sa.inspect(connection)
    tables = {}
    for table in ("session", "user"):
        present = {one["name"] for one in inspector.get_columns(names[table], schema)}
        wanted = [name for name in NAMES if name.startswith(f"{table}.")]
        missing = [name for name in wanted if names[name] not in present and name not in _OF_PLUGINS]
        if missing:
            raise KeyError(missing[0])
        there = [name for name in wanted if names[name] in present]
        made = sa.table(names[table], *(sa.column(names[name]) for name in there), schema=schema)
        tables[table] = (made, there)
    (sessions, of_session), (users, of_user) = tables["session"], tables["user"]
    columns = [
        made.c[names[name]].label(name)
        for made, there in ((sessions, of_session), (users, of_user))
        for name in there
    ]
    if connection.dialect.name == "postgresql":
        columns.append(sa.func.now().label(_NOW))
    joined = sessions.join(users, users.c[names["user.id"]] == sessions.c[names["session.userId"]])
    is_meant = sessions.c[names["session.token"]] == sa.bindparam("token", type_=sa.String)
    return sa.select(*columns).select_from(joined).where(is_meant).limit(1)


def _types(connection: Connection, names: dict[str, str]) -> dict[str, dict[str, str]]:
    """The type of each column by its name there, in SQL, of each of the two tables."""
    inspector = sa.inspect(connection)
    return {
        table: {
            one["name"]: _type(one["type"], connection)
            for one in inspector.get_columns(names[table], names["schema"] or None)
        }
        for table in ("session", "user")
    }


def _type(found: sa.types.TypeEngine[Any], connection: Connection) -> str:
    try:
        return found.compile(connection.dialect).lower()
    except sa.exc.CompileError:
        # One that an extension made, or none, which SQLite allows.
        return ""


def _read(row: RowMapping, now: float) -> ForeignSession:
    members: dict[str, dict[str, Any]] = {"session": {}, "user": {}}
    for name, value in row.items():
        table, dot, column = name.partition(".")
        if dot:
            members[table][column] = value
    return session.of_rows(members["session"], members["user"], now)


def _engine(raw: str, seconds: float) -> AsyncEngine:
    url, connect_args = driver_url(raw)
    if url.get_backend_name() == "sqlite":
        # Read-only, so that a mistaken path makes no file, and we cannot be the one who locks it.
        path = Path(url.database or "").absolute().as_uri()
        url = URL.create("sqlite+aiosqlite", database=path, query={"mode": "ro", "uri": "true"})
        return create_async_engine(url, connect_args={"timeout": seconds}, hide_parameters=True)
    # Unnamed statements and no cache, as behind a pooler in transaction mode (broker/storage/sql.py).
    bounds = {
        "timeout": seconds,
        "command_timeout": seconds,
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: "",
    }
    return create_async_engine(
        url,
        connect_args={**connect_args, **bounds},
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=seconds,
        pool_recycle=POOL_RECYCLE_S,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
    )


def _unavailable(error: Exception) -> UpstreamUnavailable:
    return UpstreamUnavailable(next(reason for kind, reason in _REASONS if isinstance(error, kind)))
