"""The engines of the accounts' database: SQLite in a file, or Postgres."""

import asyncio
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.util import await_only

from edge.async_engine import AsyncEngine, create_async_engine
from edge.database_url import driver_url

DRIVER_PATIENCE_S: Final = 1.5
"""Shorter than the store's deadline, so that the driver itself gives up cleanly before the task is
abandoned."""

WAL_AGAIN_S: Final = 0.01

POOL_SIZE: Final = 8
"""Accounts are read at sign-in only, and hashing bounds that to tens a second."""

POOL_RECYCLE_S: Final = 300
"""A serverless Postgres closes connections that are idle for minutes."""


def engine_of(url: str) -> AsyncEngine:
    """`url`: `sqlite:///path`, `postgres://...` or `postgresql://...`; connects at the first call.

    Raises `BadDatabaseUrl`. An SQLite file that does not exist is made, readable by its owner alone; the
    mode of an existing file stays as it is.
    """
    target, connect_args = driver_url(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite_engine(target)
    return _postgres_engine(target, connect_args)


def _postgres_engine(target: URL, connect_args: dict[str, Any]) -> AsyncEngine:
    return create_async_engine(
        target,
        # Unnamed statements and no cache: behind a pooler in transaction mode the next transaction may run
        # on another server connection, where the name is unknown.
        connect_args={
            **connect_args,
            "timeout": DRIVER_PATIENCE_S,
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: "",
        },
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=DRIVER_PATIENCE_S,
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_S,
        hide_parameters=True,
    )


def _sqlite_engine(target: URL) -> AsyncEngine:
    _create_private_file(Path(target.database or ""))
    engine = create_async_engine(
        target,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=DRIVER_PATIENCE_S,
        hide_parameters=True,
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _create_private_file(path: Path) -> None:
    # SQLite gives the files of its write-ahead log the mode of the database.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(DRIVER_PATIENCE_S * 1000)}")
    _use_a_write_ahead_log(cursor)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_a_write_ahead_log(cursor: Any) -> None:
    # SQLite refuses this step to some of several processes that open a new file at once, without the wait
    # that `busy_timeout` gives to other steps.
    until = time.monotonic() + DRIVER_PATIENCE_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            await_only(asyncio.sleep(WAL_AGAIN_S))
