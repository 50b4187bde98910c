"""The table of the branches that were taken, beside the floor of each package, and the list of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branches.prepare import Taken


@dataclass(frozen=True, slots=True)
class Row:
    """`floor`: in per cent, and None for the sum."""

    name: str
    branches: int
    taken: int
    floor: float | None

    @property
    def share(self) -> float:
        """In per cent, cut to a tenth: what is printed is judged."""
        return self.taken * 1000 // self.branches / 10 if self.branches else 100.0

    @property
    def is_below(self) -> bool:
        return self.floor is not None and self.share < self.floor

    def __str__(self) -> str:
        floor = "" if self.floor is None else f"   at least {self.floor:5.1f} %"
        verdict = "   below" if self.is_below else ""
        return f"{self.name:<12} {self.taken:>5} of {self.branches:>5}   {self.share:5.1f} %{floor}{verdict}"


def rows(found: Sequence[Taken], floors: Mapping[Path, float]) -> list[Row]:
    """A row for each package, and one for all of them; `floors` has the packages' folders."""
    every = [_row(package, found, floor) for package, floor in floors.items()]
    return [*every, Row("all", len(found), sum(one.is_taken for one in found), None)]


def _row(package: Path, found: Sequence[Taken], floor: float) -> Row:
    own = [one.is_taken for one in found if one.path.is_relative_to(package)]
    return Row(package.name, len(own), sum(own), floor)


def missed(found: Sequence[Taken], root: Path) -> list[str]:
    """A line for each branch that was not taken, with paths from `root`."""
    return [
        f"{one.path.relative_to(root)}:{one.branch.line} to {one.branch.to or 'after it'}"
        for one in found
        if not one.is_taken
    ]
