"""The costs of a comparison as one Markdown table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

_HEAD: Final = ("a", "server", "CPU", "CPU of Valkey", "against ours", "answers a second", "checks")
_RULES: Final = ("---", "---", "--:", "--:", "--:", "--:", "---")


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one answer. `cpu` is microseconds of the server's processes, `valkey` those of Valkey, None
    for a server that asks it nothing. `rate` is in answers a second."""

    cpu: float
    valkey: float | None
    rate: float


@dataclass(frozen=True, slots=True)
class Costs:
    """A server's costs, one of each round. `unit` is a question or a token; `checks` says what the server
    checks before it answers."""

    unit: str
    server: str
    checks: str
    rounds: Sequence[Cost]


def table(all_costs: Sequence[Costs]) -> str:
    """Medians of the rounds. The first server of each unit is ours, and the ratio is the median of the
    rounds' ratios of processor time."""
    ours: dict[str, Costs] = {}
    for one in all_costs:
        ours.setdefault(one.unit, one)
    rows = [_HEAD, _RULES, *(_row(one, ours[one.unit]) for one in all_costs)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(costs: Costs, ours: Costs) -> tuple[str, ...]:
    valkey = [one.valkey for one in costs.rounds if one.valkey is not None]
    pairs = zip(costs.rounds, ours.rounds, strict=True)
    return (
        costs.unit,
        costs.server,
        f"{median(one.cpu for one in costs.rounds):,.0f} µs",
        f"{median(valkey):,.0f} µs" if valkey else "",
        f"{median(theirs.cpu / own.cpu for theirs, own in pairs):.2f} ×",
        f"{median(one.rate for one in costs.rounds):,.0f}",
        costs.checks,
    )
