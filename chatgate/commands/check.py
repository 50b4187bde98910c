"""`chatgate check`: tell whether the services could start with the configuration and reach what it names."""

import asyncio
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer

from chat_proxy.config import resolve
from chatgate import budgets, tables
from chatgate.environment import Environment, read_environment
from chatgate.faults import Fault
from chatgate.probes import accounts, signing_keys, upstream
from chatgate.probes.backend import refusal, unready
from chatgate.probes.result import WELL, Found
from chatgate.records import is_not_started, redis_mend, store_of
from edge.config.guessing import strength
from edge.config.schema import ConfigurationError
from edge.redis.client import Script, Store, StoreUnavailable, command

PATIENCE: Final = aiohttp.ClientTimeout(total=5)
NO_LIMIT: Final = "no limit"
NOT_STARTED: Final = "not running; `chatgate up` starts it"
_SCRIPT: Final = Script("return 'ok'")

app = typer.Typer(add_completion=False)


@app.command("check")
def check_configuration(
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Also reach Redis, the signing keys, the accounts and the backends."),
    ] = False,
) -> None:
    """Read the configuration as the services do: what is wrong with it, or what it comes to."""
    around = read_environment(os.environ, Path.cwd(), make=False)
    _judge(around)
    if connect:
        _connect(around)
    else:
        _say(around, f"good for {around.settings.env}")


def _judge(around: Environment) -> None:
    """Warn on the standard error of names that a sample left in the configuration, and of budgets that look
    like a mistake. Raises Fault with a line for each secret that an attacker could guess."""
    try:
        weak = list(strength.faults(around.settings))
    except ConfigurationError as error:
        raise Fault(str(error)) from None
    if weak:
        raise Fault("\n".join(weak))
    for remark in strength.remarks(around.settings):
        print(f"warning: {remark}", file=sys.stderr)
    for remark in budgets.remarks(around.settings, resolve(around.settings)):
        print(f"warning: {remark}", file=sys.stderr)


def _connect(around: Environment) -> None:
    """Show the configuration, and whether each service that it names answers. Makes nothing. Raises Fault
    with a line for each that does not."""
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


def _say(around: Environment, verdict: str) -> None:
    """Print sites, tiers and backends on the standard output, and no secret."""
    settings = around.settings
    print(f"{around.config}: {verdict}. Data in {around.data_dir}.\n")
    tables.show(
        ("site", "origins", "backend", "tier", "guests", "questions a day", "texts of feedback"),
        (
            (
                name,
                " ".join(site.origins),
                site.backend,
                site.tier,
                site.guest_tier if site.guests else "no",
                str(site.daily_questions),
                "kept" if site.feedback_text else "no",
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
    _say_budgets(around)


def _say_budgets(around: Environment) -> None:
    """Print the backends of each site with what a question reserves there, and the budgets in force."""
    config = resolve(around.settings)
    print()
    tables.show(
        ("site", "asks", "kind", "tokens that the shortest question reserves", "their cost"),
        (
            (site, name, backend.kind, f"{spend.tokens_in + spend.tokens_out:,}", budgets.money(spend.cost))
            for site, one in config.sites.items()
            for name, backend in one.backends.items()
            for spend in [budgets.least(backend)]
        ),
    )
    print()
    tables.show(
        ("site", "budget of", "tokens a day", "cost a day"),
        (
            (
                one.site,
                one.whose,
                f"{one.limits.daily_tokens:,}" if one.limits.daily_tokens else NO_LIMIT,
                budgets.money(one.limits.daily_cost) if one.limits.daily_cost else NO_LIMIT,
            )
            for one in budgets.of(around.settings, config)
        ),
    )


async def _reached(around: Environment) -> dict[str, Found]:
    asked: dict[str, Awaitable[Found]] = {
        "redis": _redis(around),
        "signing keys": signing_keys.found(around),
        "accounts": accounts.found(around),
    }
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        for name, site in around.settings.sites.items():
            if site.better_auth is not None:
                asked[f"sites.{name}.better_auth"] = upstream.found(around, name, site.better_auth)
        for name in around.settings.backends:
            asked[f"backends.{name}"] = _backend(session, around, name)
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


async def _redis(around: Environment) -> Found:
    if is_not_started(around):
        return Found(True, NOT_STARTED)
    try:
        async with store_of(around) as store:
            await store.run(command("PING"), _SCRIPT.call([]))
            return await _policy(store)
    except StoreUnavailable as error:
        return Found(False, f"does not answer or runs no scripts ({error}). {redis_mend(around)}")


async def _policy(store: Store) -> Found:
    try:
        [reply] = await store.run(command("CONFIG", "GET", "maxmemory-policy"))
    except StoreUnavailable:
        # Managed servers refuse CONFIG. An unknown policy is no fault.
        return WELL
    policy = reply.get(b"maxmemory-policy", b"") if isinstance(reply, dict) else reply[1]
    if policy in (b"noeviction", "noeviction"):
        return WELL
    name = policy.decode() if isinstance(policy, bytes) else policy
    return Found(
        False, f"maxmemory-policy is {name}, which throws sessions and limits away. Set it to noeviction."
    )


async def _backend(session: aiohttp.ClientSession, around: Environment, name: str) -> Found:
    backend = around.settings.backends[name]
    # A server of OpenAI's dialect has no such page, and may answer any path with a 401.
    fault = await unready(session, backend.url) if backend.kind == "native" else None
    # The proxy's own view of the backends: a backend that no site uses gets no question from the proxy
    # either.
    sites = resolve(around.settings).sites.values()
    asked = {one: found for site in sites for one, found in site.backends.items()}
    if fault is None and name in asked:
        fault = await refusal(session, asked[name])
    return WELL if fault is None else Found(False, fault)
