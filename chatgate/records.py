"""The accounts and the sessions of a stack, opened for one command."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from broker.accounts import Accounts, AccountsError, normalise_email
from broker.config import resolve
from broker.storage.database_url import BadDatabaseUrl
from broker.storage.sql import SqlAccounts, open_accounts
from chatgate import valkey
from chatgate.faults import Fault
from chatgate.surroundings import Surroundings
from edge.store import Store, StoreUnavailable, command

NO_REDIS = "Redis does not answer ({}). Check that it runs and that REDIS_URL, or redis.url, is its address."


@contextmanager
def explained() -> Iterator[None]:
    """Turns what a store raises into a Fault."""
    try:
        yield
    except StoreUnavailable as error:
        raise Fault(NO_REDIS.format(error)) from None
    except BadDatabaseUrl as error:
        raise Fault(f"broker.database_url: {error}") from None
    except AccountsError as error:
        raise Fault(str(error)) from None


@asynccontextmanager
async def accounts_of(around: Surroundings, *, make_tables: bool = True) -> AsyncIterator[SqlAccounts]:
    accounts = open_accounts(resolve(around.settings).database_url)
    try:
        if make_tables:
            # A first account may be made before the first broker has run.
            await accounts.create_schema()
        yield accounts
    finally:
        await accounts.close()


@asynccontextmanager
async def store_of(around: Surroundings) -> AsyncIterator[Store]:
    """The embedded server is started for the time of the command where it does not run."""
    with _redis_url(around) as url:
        store = Store(url, time.monotonic, replicas=around.settings.redis.wait_replicas)
        try:
            yield store
        finally:
            await store.close()


async def require_redis(around: Surroundings) -> None:
    """Raises Fault when the configured Redis does not answer."""
    with explained():
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
