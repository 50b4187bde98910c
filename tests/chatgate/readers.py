"""Accounts and sessions of the configured stack, made and read as the broker does it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.accounts.accounts import Credential
from broker.oauth.clients import Clients
from broker.sessions.session import PASSWORD, Caller, Identity, open_session
from broker.storage.redis import RedisSessions
from broker.storage.sql import open_accounts
from chatgate.environment import here
from edge.redis.client import Store
from tests.chatgate.command_line import said
from tests.valkey import PATIENT_S

GOOD = "a tall ship and a star\n"


@asynccontextmanager
async def sessions() -> AsyncIterator[RedisSessions]:
    store = Store(here().redis_url, time.monotonic, deadline=PATIENT_S)
    yield RedisSessions(store)
    await store.close()


def credential(email: str) -> Credential:
    found = found_by(email)
    assert found is not None
    return found


def found_by(email: str) -> Credential | None:
    async def read() -> Credential | None:
        accounts = open_accounts(f"sqlite:///{here().data_dir}/accounts.db")
        found = await accounts.by_email(email)
        await accounts.close()
        return found

    return asyncio.run(read())


def sign_in(sub: str, site: str = "docs") -> str:
    """A living session, as the broker opens one; its id."""

    async def work() -> str:
        async with sessions() as kept:
            client = Clients.of(here().settings.sites).by_id[site]
            generation = await kept.generation(sub, "docs")
            opened = await open_session(
                kept,
                Identity(sub, "reader", PASSWORD, generation),
                client,
                Caller("192.0.2.7", "A \x1b[31mbrowser"),
                remember=True,
            )
            assert opened is not None
            return opened.session.id

    return asyncio.run(work())


def living(sub: str) -> set[str]:
    async def work() -> set[str]:
        async with sessions() as kept:
            return {one.id for one in await kept.by_user(sub)}

    return asyncio.run(work())


def add(email: str = "ann@example.com") -> str:
    said("users", "add", email, "--password-stdin", stdin=GOOD)
    return credential(email).account.id
