"""Accounts in SQLite or Postgres."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from broker.accounts.accounts import (
    Account,
    AccountsUnavailable,
    Credential,
    InvalidProfile,
    Unset,
    can_be_stored,
)
from broker.storage import sql_schema
from broker.storage.sql_engines import engine_of
from broker.storage.sql_schema import Schema
from broker.storage.sql_tables import Tables, to_account
from edge.async_engine import AsyncEngine

DEADLINE_S: Final = 2.0

SCHEMA_DEADLINE_S: Final = 15.0
"""Tables are made once, at start, and that may wait for another process that is making them."""

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

_CHANGED: Final = (sa.exc.ProgrammingError, sa.exc.OperationalError)
"""Errors after which the tables are looked at anew: one may have been altered."""


def open_accounts(url: str, *, own: bool = False) -> "SqlAccounts":
    """As `engine_of`. `own`: no Better Auth server uses the database."""
    return SqlAccounts(engine_of(url), own=own)


class SqlAccounts:
    """`broker.accounts.Accounts` over one engine."""

    def __init__(self, engine: AsyncEngine, *, own: bool) -> None:
        self._engine = engine
        self._own = own
        # The other database's dialect would take 2 MiB (measured).
        self._insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert
        self._schema: Schema | None = None
        self._looking: asyncio.Task[Schema] | None = None
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        await self._engine.dispose()

    async def create_schema(self) -> None:
        """Make what is missing and change nothing else; safe when several processes start at once.

        Takes up to 15 s. Raises `AccountsUnavailable`.
        """
        await self._run(
            lambda connection: sql_schema.create_schema(connection, own=self._own), SCHEMA_DEADLINE_S
        )

    async def look(self) -> Schema:
        """Look at the tables anew: a Better Auth server may have got a plugin, with columns of its own."""
        self._schema = await self._run(self._looked)
        return self._schema

    async def by_email(self, email: str) -> Credential | None:
        return await self._credential("email", email)

    async def by_id(self, account_id: str) -> Credential | None:
        return await self._credential("id", account_id)

    async def create(self, account: Account, password_hash: str | None) -> Account | None:
        _require_storable(account.name, account.email, account.image)

        def work(connection: Connection, tables: Tables) -> Account | None:
            # The unique index decides between two calls for one address at once.
            made = connection.execute(
                self._insert(tables.user)
                .values(tables.user_row(account))
                .on_conflict_do_nothing(index_elements=["email"])
                .returning(tables.user.c.id)
            ).first()
            if made is None:
                return None
            stored = replace(account, id=made.id)
            if password_hash is not None:
                connection.execute(
                    sa.insert(tables.account).values(tables.credential_row(stored, password_hash))
                )
            if stored.tier is not None or stored.banned:
                marks = {"userId": stored.id, "tier": stored.tier, "banned": stored.banned}
                connection.execute(sa.insert(tables.ours).values(marks))
            return stored

        return await self._with_tables(work)

    async def update_profile(
        self, account_id: str, *, name: str | None, image: str | Unset | None, now: datetime
    ) -> Account | None:
        changes: dict[str, Any] = {"updatedAt": now}
        if name is not None:
            changes["name"] = name
        if not isinstance(image, Unset):
            changes["image"] = image
        _require_storable(name, changes.get("image"))

        def work(connection: Connection, tables: Tables) -> RowMapping | None:
            is_meant = tables.user.c.id == account_id
            connection.execute(sa.update(tables.user).where(is_meant).values(changes))
            return connection.execute(tables.credentials().where(is_meant)).mappings().first()

        row = await self._with_tables(work)
        return None if row is None else to_account(row)

    async def replace_password(self, account_id: str, *, old_hash: str, new_hash: str, now: datetime) -> bool:
        def work(connection: Connection, tables: Tables) -> bool:
            account = tables.account
            is_meant = sa.and_(account.c.userId == account_id, account.c.password == old_hash)
            changed = sa.update(account).where(is_meant, tables.is_credential)
            return connection.execute(changed.values(password=new_hash, updatedAt=now)).rowcount > 0

        return await self._with_tables(work)

    async def delete(self, account_id: str) -> bool:
        def work(connection: Connection, tables: Tables) -> bool:
            connection.execute(sa.delete(tables.ours).where(tables.ours.c.userId == account_id))
            deleted = sa.delete(tables.user).where(tables.user.c.id == account_id)
            return connection.execute(deleted).rowcount > 0

        return await self._with_tables(work)

    async def set_banned(self, account_id: str, banned: bool) -> bool:
        def work(connection: Connection, tables: Tables) -> bool:
            if self._own and not banned and "banned" in tables.user.columns:
                # A ban that a Better Auth server made, which does not use the database any more.
                lifted = sa.update(tables.user).where(tables.user.c.id == account_id)
                connection.execute(lifted.values(banned=False))
            return self._mark(connection, tables, account_id, "banned", banned)

        return await self._with_tables(work)

    async def set_tier(self, account_id: str, tier: str | None) -> bool:
        return await self._with_tables(
            lambda connection, tables: self._mark(connection, tables, account_id, "tier", tier)
        )

    async def page(self, after_email: str, limit: int) -> list[Account]:
        def work(connection: Connection, tables: Tables) -> Sequence[RowMapping]:
            email = tables.user.c.email
            statement = tables.credentials().where(email > after_email).order_by(email).limit(limit)
            return connection.execute(statement).mappings().all()

        return [to_account(row) for row in await self._with_tables(work)]

    async def has_scrypt(self) -> bool:
        return await self._with_tables(
            lambda connection, tables: connection.execute(tables.any_scrypt()).first() is not None
        )

    async def ready(self) -> None:
        await self._with_tables(
            lambda connection, tables: connection.execute(tables.credentials().limit(1)).first()
        )

    def _mark(
        self, connection: Connection, tables: Tables, account_id: str, column: str, value: str | bool | None
    ) -> bool:
        """Keep `value` in our table, if there is such a user."""
        user, ours = tables.user.c, tables.ours
        chosen = sa.select(user.id, sa.literal(value, ours.c[column].type)).where(user.id == account_id)
        statement = (
            self._insert(ours)
            .from_select(["userId", column], chosen)
            .on_conflict_do_update(index_elements=["userId"], set_={column: value})
        )
        return connection.execute(statement).rowcount > 0

    async def _credential(self, column: str, key: str) -> Credential | None:
        if not can_be_stored(key):
            return None

        def work(connection: Connection, tables: Tables) -> RowMapping | None:
            statement = tables.credentials().where(tables.user.c[column] == key)
            return connection.execute(statement).mappings().first()

        row = await self._with_tables(work)
        return None if row is None else Credential(to_account(row), row["password_hash"])

    def _looked(self, connection: Connection) -> Schema:
        return sql_schema.look(connection, own=self._own)

    async def _with_tables(self, work: Callable[[Connection, Tables], T]) -> T:
        async def done() -> T:
            schema = self._schema or await self._looked_together()
            return await self._transaction(lambda connection: work(connection, schema.tables))

        try:
            return await self._bounded(DEADLINE_S, done())
        except AccountsUnavailable as error:
            if isinstance(error.__cause__, _CHANGED):
                self._schema = None
            raise

    async def _looked_together(self) -> Schema:
        # All callers share one look, as each look takes connections at the first sign-ins.
        if self._looking is None:
            self._looking = asyncio.create_task(self.look())
            self._looking.add_done_callback(self._have_looked)
        return await asyncio.shield(self._looking)

    def _have_looked(self, done: asyncio.Task[Schema]) -> None:
        self._looking = None
        if not done.cancelled():
            # Read, so that the event loop does not report it: those who waited have been answered.
            done.exception()

    async def _run(self, work: Callable[[Connection], T], seconds: float = DEADLINE_S) -> T:
        return await self._bounded(seconds, self._transaction(work))

    async def _bounded(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await self._within(seconds, work)
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


def _reason(error: Exception) -> str:
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


def _require_storable(*texts: str | None) -> None:
    if not all(text is None or can_be_stored(text) for text in texts):
        raise InvalidProfile("a text has a character that cannot be stored")
