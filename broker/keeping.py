"""What a broker sets up in its stores, and sets again when it is lost: schema, key ring and cuts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from broker.accounts import AccountsUnavailable
from broker.keys import Keys, UnreadableKey
from broker.passwords import Passwords
from broker.storage.sql import SqlAccounts
from edge import logs
from edge.store import StoreUnavailable

KEEP_EVERY: Final = 1.0
"""Seconds between two looks at the key ring and the cuts, which an emptied Redis has lost."""
LOOK_AT_HASHES_EVERY: Final = 60
"""Looks of the keeper: hashes that Better Auth made may be imported while a broker runs."""

_log = structlog.get_logger()


@asynccontextmanager
async def keeping(accounts: SqlAccounts, keys: Keys, passwords: Passwords) -> AsyncIterator[None]:
    """Keeps them around the block. A dependency that is away at its start is waited for meanwhile, and
    `/readyz` says so."""
    keeper = _Keeper(accounts, keys, passwords)
    await keeper.keep_accounts()
    await keeper.keep_keys()
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Keeper:
    def __init__(self, accounts: SqlAccounts, keys: Keys, passwords: Passwords) -> None:
        self._accounts = accounts
        self._keys = keys
        self._passwords = passwords
        self._has_schema = False
        self._unreadable = ""

    async def run(self) -> None:
        looked = 0
        while True:
            await asyncio.sleep(KEEP_EVERY)
            await self.keep_keys()
            looked += 1
            if not self._has_schema or looked % LOOK_AT_HASHES_EVERY == 0:
                await self.keep_accounts()

    async def keep_keys(self) -> None:
        try:
            await self._keys.refresh()
            self._unreadable = ""
        except StoreUnavailable as error:
            _log.error("store_unavailable", reason=str(error))
        except UnreadableKey as error:
            # Once, as it stays so until somebody mends it; `/readyz` says so all the while.
            if str(error) != self._unreadable:
                _log.error("keys_unreadable", reason=str(error))
            self._unreadable = str(error)
        except Exception as error:
            # What a defect ends here once would be missing for good: lost cuts are set again by nobody else.
            _log.error("keeping_failed", error=logs.where(error))

    async def keep_accounts(self) -> None:
        try:
            if not self._has_schema:
                await self._accounts.create_schema()
                self._has_schema = True
            self._passwords.equalise_scrypt = await self._accounts.has_scrypt()
        except AccountsUnavailable as error:
            _log.error("accounts_unavailable", reason=str(error))
