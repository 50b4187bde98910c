"""The accounts and the sessions of a stack, opened for one command."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from broker.accounts import Accounts, AccountsError, AccountsUnavailable, normalise_email
from broker.config import resolve
from broker.storage.database_url import BadDatabaseUrl, driver_url
from broker.storage.sql import SqlAccounts, open_accounts
from chatgate import valkey
from chatgate.faults import Fault
from chatgate.surroundings import Surroundings, unusable
from edge.store import Store, StoreUnavailable, command

T = TypeVar("T")
_UNDEFINED_TABLE: Final = "42P01"
"""Of Postgres (its appendix A); SQLite has words only."""


@contextmanager
def explained(around: Surroundings) -> Iterator[None]:
    """Turns what a store raises into a Fault."""
    try:
        yield
    except StoreUnavailable as error:
        raise Fault(
            f"Redis does not answer ({error}). Check that it runs and that REDIS_URL, or redis.url in "
            f"{around.config}, is its address."
        ) from None
    except BadDatabaseUrl as error:
        raise Fault(f"broker.database_url: {error}. Correct it in {_database_key(around)}.") from None
    except AccountsUnavailable as error:
        raise Fault(_no_accounts(around, error)) from None
    except AccountsError as error:
        raise Fault(str(error)) from None
    except OSError as error:
        raise unusable(around.data_dir, error) from None


def run(around: Surroundings, work: Coroutine[Any, Any, T]) -> T:
    """Raises Fault for what a store raises."""
    with explained(around):
        return asyncio.run(work)


def _no_accounts(around: Surroundings, error: AccountsUnavailable) -> str:
    file = database_file(around)
    if file is None:
        return (
            f"broker.database_url: {error}. Check that the server runs and lets this user in, or correct the "
            f"address in {_database_key(around)}."
        )
    return (
        f"broker.database_url: {error}. Check that {file} is an SQLite file that this user may write to, "
        f"and that its disk has room; or name another in {_database_key(around)}."
    )


def _database_key(around: Surroundings) -> str:
    return f"CHATGATE_BROKER_DATABASE_URL or in {around.config}"


def database_file(around: Surroundings) -> Path | None:
    """The file of an SQLite database; None for a server. Raises BadDatabaseUrl."""
    target, _ = driver_url(resolve(around.settings).database_url)
    return Path(target.database or "") if target.get_backend_name() == "sqlite" else None


async def have_tables(around: Surroundings) -> bool:
    """Whether the accounts can be read; False where the tables are still to be made. Makes nothing.

    Raises AccountsUnavailable and Fault.
    """
    file = database_file(around)
    try:
        if file is not None and not await asyncio.to_thread(_exists, file):
            return False
    except OSError as error:
        raise _cannot_be_made(around, error) from None
    try:
        async with accounts_of(around, make_tables=False) as accounts:
            await accounts.ready()
    except AccountsUnavailable as error:
        if _lacks_tables(error):
            return False
        raise
    return True


def _exists(file: Path) -> bool:
    """Raises OSError where it is not there and could not be made."""
    try:
        file.stat()
    except FileNotFoundError:
        folder = next(one for one in file.absolute().parents if one.exists())
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
        return False
    return True


def _lacks_tables(error: AccountsUnavailable) -> bool:
    raised = getattr(error.__cause__, "orig", None)
    return getattr(raised, "sqlstate", None) == _UNDEFINED_TABLE or "no such table" in str(raised)


@asynccontextmanager
async def accounts_of(around: Surroundings, *, make_tables: bool = True) -> AsyncIterator[SqlAccounts]:
    accounts = _opened(around)
    try:
        if make_tables:
            # A first account may be made before the first broker has run.
            await accounts.create_schema()
        yield accounts
    finally:
        await accounts.close()


def _opened(around: Surroundings) -> SqlAccounts:
    try:
        return open_accounts(resolve(around.settings).database_url)
    except OSError as error:
        raise _cannot_be_made(around, error) from None


def _cannot_be_made(around: Surroundings, error: OSError) -> Fault:
    file = database_file(around)
    if file is None or file.is_relative_to(around.data_dir):
        return unusable(around.data_dir, error)
    return Fault(
        f"broker.database_url: {file} cannot be made ({error.strerror}). Make its folder one that this user "
        f"may write to, or name another file in {_database_key(around)}."
    )


@asynccontextmanager
async def store_of(around: Surroundings) -> AsyncIterator[Store]:
    """The embedded server is started for the time of the command where it does not run."""
    with _redis_url(around) as url:
        store = Store(url, time.monotonic, replicas=around.settings.redis.wait_replicas or 0)
        try:
            yield store
        finally:
            await store.close()


async def require_redis(around: Surroundings) -> None:
    """Raises Fault when the configured Redis does not answer."""
    with explained(around):
        async with store_of(around) as store:
            await store.run(command("PING"))


@contextmanager
def _redis_url(around: Surroundings) -> Iterator[str]:
    if around.valkey is None:
        yield around.redis_url
        return
    with valkey.lent(around.valkey) as url:
        yield url


async def account_id(accounts: Accounts, email: str) -> str:
    """Raises Fault when nobody has the address, InvalidEmail when it is none."""
    found = await accounts.by_email(normalise_email(email))
    if found is None:
        raise Fault(f"Nobody has the address {email}. `chatgate users list` shows who there is.")
    return found.account.id


def sessions_ended(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'} ended"
