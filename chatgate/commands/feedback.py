"""`chatgate feedback`: list the answers that readers rated as helpful or not helpful."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Final

import typer

from chat_proxy.conversations.feedback import Entry, Feedback
from chatgate import tables
from chatgate.environment import Environment, standing
from chatgate.faults import Fault
from chatgate.records import run, store_of

SHOWN: Final = 160
"""Characters of a text in the table; the JSON has the whole text that is kept."""


class Rating(Enum):
    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"


app = typer.Typer(add_completion=False)


@app.command("feedback")
def list_feedback(
    site: Annotated[str | None, typer.Option(metavar="SITE", help="Only this site's.")] = None,
    rating: Annotated[Rating | None, typer.Option(help="Only these.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, with the texts as they are kept.")
    ] = False,
) -> None:
    """Which answers readers found helpful, the latest first: 90 days, the newest 1,000 of a site."""
    _show(standing(), site, rating, as_json=as_json)


def _show(around: Environment, site: str | None, rating: Rating | None, *, as_json: bool) -> None:
    """Print the entries of one site or of all, the latest first, and a line that sums them up."""
    sites = around.settings.sites
    if site is not None and site not in sites:
        raise Fault(f"There is no site {site}. The configuration has: {', '.join(sorted(sites))}.")
    wanted = sorted(sites) if site is None else [site]
    found = run(around, _entries(around, wanted))
    found = [one for one in found if rating is None or one.rating == rating.value]
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        _table(found)
    # On the standard error, because another program may read the rows.
    typer.echo(_summary(found), err=True)


async def _entries(around: Environment, sites: Sequence[str]) -> list[Entry]:
    async with store_of(around) as store:
        feedback = Feedback(store)
        found = [one for site in sites async for one in feedback.entries(site)]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _table(found: Sequence[Entry]) -> None:
    header = ["time (UTC)", "site", "rating", "tier", "mode", "message"]
    has_texts = any(one.question is not None for one in found)
    if has_texts:
        header += ["question", "answer"]
    rows = []
    for one in found:
        time = f"{datetime.fromtimestamp(one.at / 1000, UTC):%Y-%m-%d %H:%M:%S}"
        row = [time, one.site, one.rating, one.tier, one.mode, one.message_id]
        rows.append(row + ([_short(one.question), _short(one.answer)] if has_texts else []))
    tables.show(header, rows)


def _short(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _summary(found: Sequence[Entry]) -> str:
    if not found:
        return "No ratings."
    counts = Counter(one.rating for one in found)
    share = f" ({counts['helpful'] * 100 // len(found)} %)" if len(counts) == 2 else ""
    ratings = f"{len(found)} rating{'' if len(found) == 1 else 's'}"
    return f"{ratings}: {counts['helpful']} helpful{share}, {counts['not_helpful']} not helpful."
