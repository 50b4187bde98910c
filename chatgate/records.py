"""The accounts and the sessions of a stack, opened for one command."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from broker.accounts.accounts import Accounts, AccountsError, AccountsUnavailable, NoTables, normalise_email
from broker.config import resolve
from broker.storage.sql import SqlAccounts, open_accounts
from broker.storage.sql_schema import Schema
from chatgate.environment import Environment
from chatgate.faults import Fault
from chatgate.secret_files import unusable
from chatgate.stack import valkey
from edge.database_url import BadDatabaseUrl, driver_url
from edge.redis.client import Store, StoreUnavailable, command

T = TypeVar("T")


@contextmanager
def explained(around: Environment) -> Iterator[None]:
    """Turn the exceptions of a store into a Fault."""
    try:
        yield
    except StoreUnavailable as error:
        raise Fault(f"Redis does not answer ({error}). {redis_mend(around)}") from None
    except BadDatabaseUrl as error:
        raise Fault(f"broker.database_url: {error}. Correct it in {_database_key(around)}.") from None
    except AccountsUnavailable as error:
        raise Fault(_no_accounts(around, error)) from None
    except AccountsError as error:
        raise Fault(str(error)) from None
    except OSError as error:
        raise unusable(around.data_dir, error) from None


def redis_mend(around: Environment) -> str:
    return f"Check that it runs and that REDIS_URL, or redis.url in {around.config}, is its address."


def run(around: Environment, work: Coroutine[Any, Any, T]) -> T:
    """Run `work`. Raises Fault for the exceptions of a store."""
    with explained(around):
        return asyncio.run(work)


def _no_accounts(around: Environment, error: AccountsUnavailable) -> str:
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


def _database_key(around: Environment) -> str:
    return f"CHATGATE_BROKER_DATABASE_URL or in {around.config}"


def database_file(around: Environment) -> Path | None:
    """The file of an SQLite database; None for a server. Raises BadDatabaseUrl."""
    target, _ = driver_url(resolve(around.settings).database_url)
    return Path(target.database or "") if target.get_backend_name() == "sqlite" else None


async def tables_of(around: Environment) -> Schema | None:
    """The tables of the accounts; None if all are still to be made. Makes nothing.

    Raises AccountsUnavailable and Fault.
    """
    file = database_file(around)
    try:
        if file is not None and not await asyncio.to_thread(_exists, file):
            return None
    except OSError as error:
        raise _cannot_be_made(around, error) from None
    try:
        async with accounts_of(around, make_tables=False) as accounts:
            found = await accounts.look()
            if found.has_ours:
                await accounts.ready()
            return found
    except NoTables:
        return None


def _exists(file: Path) -> bool:
    """Return True if the file exists. Raises OSError when it does not and could not be made."""
    try:
        file.stat()
    except FileNotFoundError:
        folder = next(one for one in file.absolute().parents if one.exists())
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
        return False
    return True


@asynccontextmanager
async def accounts_of(around: Environment, *, make_tables: bool = True) -> AsyncIterator[SqlAccounts]:
    accounts = _opened(around)
    try:
        if make_tables:
            # An operator may add the first account before the first broker has run.
            await accounts.create_schema()
        yield accounts
    finally:
        await accounts.close()


def _opened(around: Environment) -> SqlAccounts:
    try:
        config = resolve(around.settings)
        return open_accounts(config.database_url, own=config.own_database)
    except OSError as error:
        raise _cannot_be_made(around, error) from None


def _cannot_be_made(around: Environment, error: OSError) -> Fault:
    file = database_file(around)
    if file is None or file.is_relative_to(around.data_dir):
        return unusable(around.data_dir, error)
    return Fault(
        f"broker.database_url: {file} cannot be made ({error.strerror}). Make its folder one that this user "
        f"may write to, or name another file in {_database_key(around)}."
    )


@asynccontextmanager
async def store_of(around: Environment) -> AsyncIterator[Store]:
    """The Redis of a stack. An embedded server that does not run is started for the time of the command."""
    with _redis_url(around) as url:
        redis = around.settings.redis
        store = Store(url, time.monotonic, replicas=redis.wait_replicas or 0, deadline=redis.deadline_seconds)
        try:
            yield store
        finally:
            await store.close()


def is_not_started(around: Environment) -> bool:
    """Return True if the Redis is the embedded one and does not run. A look that must leave no files asks
    this first, as `store_of` would start it."""
    return around.valkey is not None and not valkey.answers(valkey.socket_for(around.valkey))


async def require_redis(around: Environment) -> None:
    """Raises Fault when the configured Redis does not answer."""
    with explained(around):
        async with store_of(around) as store:
            await store.run(command("PING"))


@contextmanager
def _redis_url(around: Environment) -> Iterator[str]:
    if around.valkey is None:
        yield around.redis_url
        return
    with valkey.lent(around.valkey) as url:
        yield url


async def account_id(accounts: Accounts, email: str) -> str:
    """The id of an account. Raises Fault when no account has the address, InvalidEmail when it is no
    address."""
    found = await accounts.by_email(normalise_email(email))
    if found is None:
        raise Fault(f"No account has the address {email}. `chatgate users list` shows all accounts.")
    return found.account.id


def sessions_ended(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'} ended"
