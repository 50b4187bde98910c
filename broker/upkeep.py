"""Sets up the broker's schema, key ring and cuts, and sets them again when a store has lost them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from broker.accounts.accounts import AccountsUnavailable
from broker.accounts.passwords import Passwords
from broker.signing.keyring import Keys, UnreadableKey
from broker.storage.sql import SqlAccounts
from edge.redis.client import StoreUnavailable
from edge.telemetry import logs

KEEP_EVERY: Final = 1.0
"""Seconds between two looks at the key ring and the cuts, which an emptied Redis has lost."""
LOOK_AT_ACCOUNTS_EVERY: Final = 60
"""Looks between two at the accounts: hashes may be imported, and a Better Auth server get a plugin, while a
broker runs."""

_log = structlog.get_logger()


@asynccontextmanager
async def upkeep(accounts: SqlAccounts, keys: Keys, passwords: Passwords) -> AsyncIterator[None]:
    """Keep the stores set up during the block. A dependency that is down at the start is retried meanwhile,
    and `/readyz` reports it."""
    keeper = _Upkeep(accounts, keys, passwords)
    await keeper.keep_accounts()
    await keeper.keep_keys()
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Upkeep:
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
            if not self._has_schema or looked % LOOK_AT_ACCOUNTS_EVERY == 0:
                await self.keep_accounts()

    async def keep_keys(self) -> None:
        try:
            await self._keys.refresh()
            self._unreadable = ""
        except StoreUnavailable as error:
            _log.error("store_unavailable", reason=str(error))
        except UnreadableKey as error:
            # Logged once, as it lasts until the operator mends it; `/readyz` reports it all the while.
            if str(error) != self._unreadable:
                _log.error("keys_unreadable", reason=str(error))
            self._unreadable = str(error)
        except Exception as error:
            # A defect must not end the upkeep: no other task would set lost cuts again.
            _log.error("keeping_failed", error=logs.where(error))

    async def keep_accounts(self) -> None:
        try:
            if not self._has_schema:
                await self._accounts.create_schema()
                self._has_schema = True
            await self._accounts.look()
            self._passwords.equalise_scrypt = await self._accounts.has_scrypt()
        except AccountsUnavailable as error:
            _log.error("accounts_unavailable", reason=str(error))
