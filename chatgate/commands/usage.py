"""`chatgate usage`: the tokens that each site's readers used, and their cost."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from chat_proxy.usage import sums
from chat_proxy.usage.sums import Spender, Used
from chatgate import tables
from chatgate.environment import Environment, standing
from chatgate.faults import Fault
from chatgate.records import run, store_of

app = typer.Typer(add_completion=False)


@app.command("usage")
def list_usage(
    site: Annotated[str | None, typer.Option(metavar="SITE", help="Only this site's.")] = None,
    by_reader: Annotated[
        bool, typer.Option("--readers", help="The users with the most tokens of this day, by id.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Questions, tokens and cost by day, backend and tier: 35 days."""
    _show(standing(), site, by_reader=by_reader, as_json=as_json)


def _show(around: Environment, site: str | None, *, by_reader: bool, as_json: bool) -> None:
    """Print the sums of one site or of all by day, the latest first; or today's tokens by user."""
    sites = around.settings.sites
    if site is not None and site not in sites:
        raise Fault(f"There is no site {site}. The configuration has: {', '.join(sorted(sites))}.")
    found = run(around, _read(around, sorted(sites) if site is None else [site], by_reader))
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1, default=str))
    elif by_reader:
        _readers([one for one in found if isinstance(one, Spender)])
    else:
        _days([one for one in found if isinstance(one, Used)])


async def _read(around: Environment, sites: Sequence[str], by_reader: bool) -> list[Any]:
    read: Any = sums.spenders if by_reader else sums.days
    async with store_of(around) as store:
        return [one for site in sites for one in await read(store, site)]


def _readers(found: Sequence[Spender]) -> None:
    tables.show(("site", "user", "tokens today"), ([one.site, one.user, str(one.tokens)] for one in found))


def _days(found: Sequence[Used]) -> None:
    header = ("day (UTC)", "site", "backend", "tier", "questions", "tokens in", "tokens out", "cost")
    rows = (
        [
            *(one.day.isoformat(), one.site, one.backend, one.tier, str(one.questions)),
            *(str(one.tokens_in), str(one.tokens_out), f"{one.cost:.6f}"),
        ]
        for one in sorted(found, key=lambda one: (-one.day.toordinal(), one.site, one.backend, one.tier))
    )
    tables.show(header, rows)
