"""The report of a search: one line, and a file with the input of each fault."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.figures import Figure

SHOWN: Final = 160
"""Bytes of an input that are shown; the file has all of it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A description of the fault, the number of the attempt, and the bytes or steps that caused it."""

    what: str
    attempt: int
    made_by: bytes


@dataclass(slots=True)
class Found:
    """`figures` has the worst values that were seen, each with its bound."""

    search: str
    attempts: int = 0
    figures: list[Figure] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_fault(self) -> bool:
        return bool(self.faults) or not all(figure.is_met for figure in self.figures)

    def add(self, what: str, attempt: int, made_by: bytes) -> None:
        self.faults.append(Fault(what, attempt, made_by))

    def see(self, name: str, value: float, unit: str, bound: float) -> None:
        self.figures.append(Figure(self.search, name, value, unit, bound))


def line(found: Found) -> str:
    figures = "; ".join(_beside_its_bound(figure) for figure in found.figures)
    verdict = "FAULT" if found.is_fault else "ok"
    return f"{found.search:7}{found.attempts:>7,} attempts  {verdict:5}  {figures}"


def _beside_its_bound(figure: Figure) -> str:
    _, name, value, wanted, _ = figure.shown
    return f"{name} {value.strip()} ({wanted.strip()})"


def save(faults: Sequence[Fault], search: str, seed: int) -> list[str]:
    """A text for each fault with its description, the file of its input, and the command that repeats it."""
    if not faults:
        return []
    folder = Path(tempfile.mkdtemp(prefix="chatgate-attack-"))
    lines = []
    for fault in faults:
        file = folder / f"{search}-{fault.attempt}"
        file.write_bytes(fault.made_by)
        again = f"python -m attack --seed {seed} --from {fault.attempt} {search}"
        lines.append(f"  {fault.what}\n    by {shown(fault.made_by)}\n    in {file}\n    again: {again}")
    return lines


def shown(raw: bytes) -> str:
    if len(raw) <= SHOWN:
        return repr(raw)
    half = SHOWN // 2
    return f"{raw[:half]!r} ... {raw[-half:]!r} ({len(raw):,} bytes)"
