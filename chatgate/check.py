"""`chatgate check`: whether services could start with the configuration, and reach what it names."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

import aiohttp

from chat_proxy.config import resolve
from chatgate import backend_probe, tables, valkey
from chatgate.faults import Fault
from chatgate.records import explained, have_tables, store_of
from chatgate.surroundings import Surroundings
from edge.store import Script, Store, StoreUnavailable, command

PATIENCE: Final = aiohttp.ClientTimeout(total=5)
NO_TABLES: Final = "no tables yet; the broker makes them at its first start"
NOT_STARTED: Final = "not running; `chatgate up` starts it"
_SCRIPT: Final = Script("return 'ok'")


@dataclass(frozen=True, slots=True)
class Found:
    """`note` says what is wrong, or what is to be known of what is well."""

    is_well: bool
    note: str = ""


WELL: Final = Found(True)


def read(around: Surroundings) -> None:
    """What the configuration comes to."""
    _say(around, f"good for {around.settings.env}")


def connect(around: Surroundings) -> None:
    """As `read`, and whether everything that it names answers. Makes nothing. Raises Fault with a line for
    what does not."""
    found = asyncio.run(_reached(around))
    faults = [f"{name}: {one.note}" for name, one in found.items() if not one.is_well]
    env = around.settings.env
    _say(around, f"read for {env}, but not all that it names is ready" if faults else f"good for {env}")
    print()
    tables.show(("reached", ""), ((name, _shown(one)) for name, one in found.items()))
    if faults:
        raise Fault("\n".join(faults))


def _shown(found: Found) -> str:
    return (found.note or "yes") if found.is_well else "no"


def _say(around: Surroundings, verdict: str) -> None:
    """Sites, tiers and backends on the standard output; no secret is among them."""
    settings = around.settings
    print(f"{around.config}: {verdict}. Data in {around.data_dir}.\n")
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


async def _reached(around: Surroundings) -> dict[str, Found]:
    asked: dict[str, Awaitable[Found]] = {"redis": _redis(around), "accounts": _accounts(around)}
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        for name in around.settings.backends:
            asked[f"backends.{name}"] = _backend(session, around, name)
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


async def _redis(around: Surroundings) -> Found:
    if around.valkey is not None and not valkey.answers(valkey.socket_for(around.valkey)):
        # Else a server would be started, and leave its files, only to be asked whether it runs.
        return Found(True, NOT_STARTED)
    try:
        async with store_of(around) as store:
            await store.run(command("PING"), _SCRIPT.call([]))
            return await _policy(store)
    except StoreUnavailable as error:
        return Found(
            False, f"does not answer or runs no scripts ({error}). Check REDIS_URL and that the server is up."
        )


async def _policy(store: Store) -> Found:
    try:
        [reply] = await store.run(command("CONFIG", "GET", "maxmemory-policy"))
    except StoreUnavailable:
        # Managed servers keep CONFIG to themselves. Not knowing is no fault.
        return WELL
    policy = reply.get(b"maxmemory-policy", b"") if isinstance(reply, dict) else reply[1]
    if policy in (b"noeviction", "noeviction"):
        return WELL
    name = policy.decode() if isinstance(policy, bytes) else policy
    return Found(
        False, f"maxmemory-policy is {name}, which throws sessions and limits away. Set it to noeviction."
    )


async def _accounts(around: Surroundings) -> Found:
    try:
        with explained(around):
            return WELL if await have_tables(around) else Found(True, NO_TABLES)
    except Fault as fault:
        return Found(False, str(fault))


async def _backend(session: aiohttp.ClientSession, around: Surroundings, name: str) -> Found:
    fault = await backend_probe.unready(session, around.settings.backends[name].url)
    # As the proxy knows it; one that no site has is asked nothing by it either.
    asked = {site.backend.name: site.backend for site in resolve(around.settings).sites.values()}
    if fault is None and name in asked:
        fault = await backend_probe.refusal(session, asked[name])
    return WELL if fault is None else Found(False, fault)
