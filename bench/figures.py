"""One measured figure beside its target, and a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` is None for a figure that is shown without a verdict."""

    scenario: str
    name: str
    value: float
    unit: str
    target: float | None = None
    kind: Literal["at most", "at least"] = "at most"

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.value <= self.target if self.kind == "at most" else self.value >= self.target

    @property
    def shown(self) -> tuple[str, str, str, str, str]:
        wanted = "" if self.target is None else f"{self.kind} {_number(self.target)} {self.unit}"
        verdict = "" if self.target is None else ("ok" if self.is_met else "miss")
        return self.scenario, self.name, f"{_number(self.value)} {self.unit}", wanted, verdict


def line(figure: Figure) -> str:
    scenario, name, value, wanted, verdict = figure.shown
    return f"{scenario:11}{name:66}{value:>14}   {wanted:22}{verdict}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [("scenario", "figure", "measured", "target", ""), ("---", "---", "--:", "---", "---")]
    rows += [figure.shown for figure in figures]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
