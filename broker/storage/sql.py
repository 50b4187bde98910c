"""Accounts in SQLite or Postgres."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, CursorResult
from sqlalchemy.util import await_only

from broker.accounts.accounts import (
    Account,
    AccountsUnavailable,
    Credential,
    InvalidProfile,
    Unset,
    can_be_stored,
)
from broker.accounts.password_hashes import MAX_STORED_HASH
from broker.storage.sql_tables import (
    ACCOUNT,
    PROVIDER,
    USER,
    create_schema,
    credential_row,
    to_account,
    user_row,
)
from edge.async_engine import AsyncEngine, create_async_engine
from edge.database_url import driver_url

DEADLINE_S: Final = 2.0

SCHEMA_DEADLINE_S: Final = 15.0
"""Tables are made once, at start, and that may wait for another process that is making them."""

DRIVER_PATIENCE_S: Final = 1.5
"""Shorter than the deadline, so that the driver itself gives up cleanly before the task is abandoned."""

WAL_AGAIN_S: Final = 0.01

POOL_SIZE: Final = 8
"""Accounts are read at sign-in only, and hashing bounds that to tens a second."""

POOL_RECYCLE_S: Final = 300
"""A serverless Postgres closes connections that are idle for minutes."""

T = TypeVar("T")

# The first row that fits gives the reason; the driver's own text would show SQL and addresses.
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "the accounts database did not answer in time"),
    (sa.exc.TimeoutError, "every connection to the accounts database is in use"),
    (sa.exc.ProgrammingError, "the accounts database lacks a table or column, or the right to use it"),
    (sa.exc.SQLAlchemyError, "the accounts database refused the request"),
    (OSError, "the accounts database cannot be reached"),
    (sqlite3.Error, "the accounts database cannot be opened"),
    (ValueError, "the accounts database holds a value that cannot be read"),
)

# Better Auth, api/routes/sign-in: it ignores a password under any other provider or account id.
_IS_CREDENTIAL: Final = sa.and_(ACCOUNT.c.providerId == PROVIDER, ACCOUNT.c.accountId == ACCOUNT.c.userId)

# One character more than a hash may have is enough to see that a value is none, however long it is.
_PASSWORD_HASH: Final = sa.func.substr(ACCOUNT.c.password, 1, MAX_STORED_HASH + 1).label("password_hash")

_CREDENTIALS: Final = sa.select(USER, _PASSWORD_HASH).select_from(
    USER.outerjoin(ACCOUNT, sa.and_(ACCOUNT.c.userId == USER.c.id, _IS_CREDENTIAL))
)

# `<32 hex>:<128 hex>`: recognised by its shape, since it has no prefix.
_ANY_SCRYPT: Final = (
    sa.select(ACCOUNT.c.id)
    .where(_IS_CREDENTIAL)
    .where(sa.func.length(ACCOUNT.c.password) == 161, sa.func.substr(ACCOUNT.c.password, 33, 1) == ":")
    .limit(1)
)


def open_accounts(url: str) -> "SqlAccounts":
    """`url`: `sqlite:///path`, `postgres://...` or `postgresql://...`; connects at the first call.

    Raises `BadDatabaseUrl`. An SQLite file that does not exist is made, readable by its owner alone; the
    mode of an existing file stays as it is.
    """
    target, connect_args = driver_url(url)
    if target.get_backend_name() == "sqlite":
        return SqlAccounts(_sqlite_engine(target))
    return SqlAccounts(_postgres_engine(target, connect_args))


class SqlAccounts:
    """`broker.accounts.Accounts` over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # The other database's dialect would take 2 MiB (measured).
        self._insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        await self._engine.dispose()

    async def create_schema(self) -> None:
        """Make what is missing and change nothing else; safe when several processes start at once.

        Takes up to 15 s. Raises `AccountsUnavailable`.
        """
        await self._run(create_schema, SCHEMA_DEADLINE_S)

    async def by_email(self, email: str) -> Credential | None:
        return await self._credential(_CREDENTIALS.where(USER.c.email == email), email)

    async def by_id(self, account_id: str) -> Credential | None:
        return await self._credential(_CREDENTIALS.where(USER.c.id == account_id), account_id)

    async def create(self, account: Account, password_hash: str | None) -> bool:
        _require_storable(account.name, account.email, account.image)
        new_user = (
            self._insert(USER).values(user_row(account)).on_conflict_do_nothing(index_elements=["email"])
        )
        new_password = sa.insert(ACCOUNT).values(credential_row(account, password_hash))

        def work(connection: Connection) -> bool:
            # The unique index decides between two calls for one address at once.
            if connection.execute(new_user).rowcount == 0:
                return False
            if password_hash is not None:
                connection.execute(new_password)
            return True

        return await self._run(work)

    async def update_profile(
        self, account_id: str, *, name: str | None, image: str | Unset | None, now: datetime
    ) -> Account | None:
        changes: dict[str, Any] = {"updatedAt": now}
        if name is not None:
            changes["name"] = name
        if not isinstance(image, Unset):
            changes["image"] = image
        _require_storable(name, changes.get("image"))
        statement = sa.update(USER).where(USER.c.id == account_id).values(changes).returning(USER)
        row = await self._run(lambda connection: connection.execute(statement).mappings().first())
        return None if row is None else to_account(row)

    async def replace_password(self, account_id: str, *, old_hash: str, new_hash: str, now: datetime) -> bool:
        return await self._change(
            sa.update(ACCOUNT)
            .where(ACCOUNT.c.userId == account_id, _IS_CREDENTIAL, ACCOUNT.c.password == old_hash)
            .values(password=new_hash, updatedAt=now)
        )

    async def delete(self, account_id: str) -> bool:
        return await self._change(sa.delete(USER).where(USER.c.id == account_id))

    async def set_banned(self, account_id: str, banned: bool, now: datetime) -> bool:
        return await self._change(
            sa.update(USER).where(USER.c.id == account_id).values(banned=banned, updatedAt=now)
        )

    async def set_tier(self, account_id: str, tier: str | None, now: datetime) -> bool:
        return await self._change(
            sa.update(USER).where(USER.c.id == account_id).values(tier=tier, updatedAt=now)
        )

    async def page(self, after_email: str, limit: int) -> list[Account]:
        statement = sa.select(USER).where(USER.c.email > after_email).order_by(USER.c.email).limit(limit)
        rows = await self._run(lambda connection: connection.execute(statement).mappings().all())
        return [to_account(row) for row in rows]

    async def has_scrypt(self) -> bool:
        return await self._run(lambda connection: connection.execute(_ANY_SCRYPT).first() is not None)

    async def ready(self) -> None:
        await self._run(lambda connection: connection.execute(_CREDENTIALS.limit(1)).first())

    async def _credential(self, statement: sa.Select[Any], key: str) -> Credential | None:
        if not can_be_stored(key):
            return None
        row = await self._run(lambda connection: connection.execute(statement).mappings().first())
        return None if row is None else Credential(to_account(row), row["password_hash"])

    async def _change(self, statement: sa.Update | sa.Delete) -> bool:
        def work(connection: Connection) -> bool:
            result: CursorResult[Any] = connection.execute(statement)
            return result.rowcount > 0

        return await self._run(work)

    async def _run(self, work: Callable[[Connection], T], seconds: float = DEADLINE_S) -> T:
        try:
            return await self._within(seconds, self._transaction(work))
        except tuple(kind for kind, _ in _REASONS) as error:
            raise AccountsUnavailable(_reason(error)) from error

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        # A driver that is cancelled first cleans up with a server that does not answer, for seconds. So the
        # task is cancelled and finishes that by itself.
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            raise TimeoutError
        return task.result()

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            # Read, so that the event loop does not report it: its caller has been answered.
            task.exception()


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


def _reason(error: Exception) -> str:
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


def _require_storable(*texts: str | None) -> None:
    if not all(text is None or can_be_stored(text) for text in texts):
        raise InvalidProfile("a text has a character that cannot be stored")
