"""`chatgate check`: whether services could start with the configuration, and reach what it names."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import aiohttp

from broker.accounts import AccountsError
from broker.storage.database_url import BadDatabaseUrl
from chatgate import tables
from chatgate.faults import Fault
from chatgate.records import accounts_of, store_of
from chatgate.surroundings import Surroundings
from edge.store import Script, Store, StoreUnavailable, command

PATIENCE: Final = aiohttp.ClientTimeout(total=5)
_SCRIPT: Final = Script("return 'ok'")


def summary(around: Surroundings) -> None:
    """Sites, tiers and backends on the standard output; no secret is among them."""
    settings = around.settings
    print(f"{around.config}: good for {settings.env}. Data in {around.data_dir}.\n")
    tables.show(
        ("site", "origins", "backend", "tier", "guests", "questions a day"),
        (
            (
                name,
                " ".join(site.origins),
                site.backend,
                site.tier,
                site.guest_tier if site.guests else "no",
                str(site.daily_questions),
            )
            for name, site in settings.sites.items()
        ),
    )
    print()
    tables.show(
        ("tier", "questions a minute", "burst", "at once", "a day"),
        (
            (
                name,
                str(one.questions_per_minute),
                str(one.burst),
                str(one.concurrent),
                str(one.daily_questions),
            )
            for name, one in settings.tiers.items()
        ),
    )
    print()
    tables.show(("backend", "url"), ((name, one.url) for name, one in settings.backends.items()))


def connect(around: Surroundings) -> None:
    """Whether everything that the configuration names answers. Raises Fault with a line for what does not."""
    found = asyncio.run(_reached(around))
    print()
    tables.show(("reached", ""), ((name, "no" if fault else "yes") for name, fault in found.items()))
    faults = [f"{name}: {fault}" for name, fault in found.items() if fault is not None]
    if faults:
        raise Fault("\n".join(faults))


async def _reached(around: Surroundings) -> dict[str, str | None]:
    asked: dict[str, Awaitable[str | None]] = {"redis": _redis(around), "accounts": _accounts(around)}
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        for name, backend in around.settings.backends.items():
            asked[f"backends.{name}"] = _backend(session, backend.url)
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


async def _redis(around: Surroundings) -> str | None:
    try:
        async with store_of(around) as store:
            await store.run(command("PING"), _SCRIPT.call([]))
            return await _policy(store)
    except StoreUnavailable as error:
        return f"does not answer or runs no scripts ({error}). Check REDIS_URL and that the server is up."


async def _policy(store: Store) -> str | None:
    try:
        [reply] = await store.run(command("CONFIG", "GET", "maxmemory-policy"))
    except StoreUnavailable:
        # Managed servers keep CONFIG to themselves. Not knowing is no fault.
        return None
    policy = reply.get(b"maxmemory-policy", b"") if isinstance(reply, dict) else reply[1]
    if policy in (b"noeviction", "noeviction"):
        return None
    name = policy.decode() if isinstance(policy, bytes) else policy
    return f"maxmemory-policy is {name}, which throws sessions and limits away. Set it to noeviction."


async def _accounts(around: Surroundings) -> str | None:
    try:
        async with accounts_of(around, make_tables=False) as accounts:
            await accounts.ready()
    except (AccountsError, BadDatabaseUrl) as error:
        return f"{error}. Check broker.database_url; the broker makes missing tables when it starts."
    return None


async def _backend(session: aiohttp.ClientSession, url: str) -> str | None:
    health = f"{url.rstrip('/')}/healthz"
    try:
        async with session.get(health, allow_redirects=False) as answer:
            # A backend of another make may have no such page; that it answers is what counts.
            return f"{health} answers {answer.status}. Look at its logs." if answer.status >= 500 else None
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{health} does not answer ({type(error).__name__}). Check the address and that it is up."
