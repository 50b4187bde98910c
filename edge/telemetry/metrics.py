"""The metrics of a process, as plain numbers: counting them is their only cost, and they are read on demand.

prometheus-client's own counters would cost three to ten times as much, eight with its files for several
processes, and take 2 MiB that a broker does not have (docs/decisions/0011). Prometheus reads plain text.
"""

import os
import resource
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import orjson

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FLIGHT_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3)
ANSWER_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

Labels = tuple[str, ...]
Values = dict[Labels, list[float]]
"""Numbers by the values of the labels. A histogram has the counts of its buckets, the one above all bounds
included, and the sum; other kinds have one number."""


@dataclass(frozen=True, slots=True)
class Family:
    """`merge` says how the numbers of several workers are joined. `bounds` are a histogram's."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    merge: Literal["sum", "max", "min"] = "sum"
    bounds: tuple[float, ...] = ()

    @property
    def form(self) -> tuple[object, ...]:
        """The properties that must be equal in two families for their numbers to be merged."""
        return self.kind, self.labels, self.bounds

    @property
    def is_lasting(self) -> bool:
        """Return True if the numbers of a worker still count after it has ended."""
        return self.kind != "gauge"


class Histogram:
    """Counts durations by their length, in seconds."""

    __slots__ = ("_bounds", "_numbers")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._numbers = [0.0] * (len(bounds) + 2)

    def observe(self, seconds: float) -> None:
        self._numbers[bisect_left(self._bounds, seconds)] += 1
        self._numbers[-1] += seconds

    def values(self) -> Values:
        return {(): list(self._numbers)}


Snapshot = dict[str, tuple[Family, Values]]
"""Families and values by the name of the family."""
Number = int | float
Read = Callable[[], Number | Mapping[str, Number] | Mapping[Labels, Number] | Values | None]


class Metrics:
    """All metrics of one process, each family with the function that reads its numbers. `slot` is the
    worker's; `responses` counts the application's answers by class of status."""

    def __init__(self, slot: int = 0) -> None:
        self._families: list[tuple[Family, Read]] = []
        self.responses: Counter[str] = Counter(dict.fromkeys(("2xx", "3xx", "4xx", "5xx"), 0))
        self.add(
            Family("chatgate_process_cpu_seconds_total", "counter", "Processor time of all workers."),
            _cpu_seconds,
        )
        self.add(Family("chatgate_process_resident_bytes", "gauge", "Memory of all workers."), _resident)
        self.add(
            Family("chatgate_responses_total", "counter", "Answers of the application.", ("status",)),
            lambda: self.responses,
        )
        self.add(
            Family(
                "chatgate_worker_responses_total",
                "counter",
                "The same by worker, not by status.",
                ("worker",),
            ),
            lambda: {str(slot): self.responses.total()},
        )

    def add(self, family: Family, read: Read) -> None:
        """`read` returns one number, or one for each label; None where there is none to report."""
        self._families.append((family, read))

    def histogram(self, name: str, help: str, bounds: tuple[float, ...]) -> Histogram:  # noqa: A002
        made = Histogram(bounds)
        self.add(Family(name, "histogram", help, bounds=bounds), made.values)
        return made

    def snapshot(self) -> Snapshot:
        return {family.name: (family, _values(read())) for family, read in self._families}


def _values(found: Any) -> Values:
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        return {(): [found]}
    return {
        labels if isinstance(labels, tuple) else (labels,): numbers
        if isinstance(numbers, list)
        else [numbers]
        for labels, numbers in found.items()
    }


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _resident() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        # Systems other than Linux tell only the peak; macOS tells it in bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "darwin" else None


_MERGE: Final[Mapping[str, Callable[[tuple[float, float]], float]]] = {"sum": sum, "max": max, "min": min}


def merged(snapshots: Sequence[Snapshot]) -> Snapshot:
    """The snapshots of several workers as one."""
    found: Snapshot = {}
    for snapshot in snapshots:
        for name, (family, values) in snapshot.items():
            known, so_far = found.get(name, (family, {}))
            if known.form != family.form:
                # The worker runs a program that was replaced meanwhile: the count starts anew.
                so_far = {}
            found[name] = family, so_far
            merge = _MERGE[family.merge]
            for labels, numbers in values.items():
                before = so_far.get(labels)
                so_far[labels] = (
                    numbers if before is None else [merge(pair) for pair in zip(before, numbers, strict=True)]
                )
    return found


def lasting(snapshot: Snapshot) -> Snapshot:
    """The part of a snapshot that still counts after its worker has ended."""
    return {name: entry for name, entry in snapshot.items() if entry[0].is_lasting}


def dump(snapshot: Snapshot) -> bytes:
    """The snapshot as one line."""
    return orjson.dumps([[asdict(family), list(values.items())] for family, values in snapshot.values()])


def load(line: bytes) -> Snapshot:
    found: Snapshot = {}
    for members, values in orjson.loads(line):
        family = Family(**members | {"labels": tuple(members["labels"]), "bounds": tuple(members["bounds"])})
        found[family.name] = (family, {tuple(labels): numbers for labels, numbers in values})
    return found


def render(snapshot: Snapshot) -> bytes:
    """The snapshot in the text format of Prometheus."""
    lines: list[str] = []
    for name, (family, values) in snapshot.items():
        lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
        for labels, numbers in values.items():
            named = list(zip(family.labels, labels, strict=True))
            lines += _histogram(family, numbers) if family.bounds else [_line(name, named, numbers[0])]
    return "\n".join([*lines, ""]).encode()


def _histogram(family: Family, numbers: Sequence[float]) -> Iterator[str]:
    count = 0.0
    for bound, number in zip((*map(str, family.bounds), "+Inf"), numbers, strict=False):
        count += number
        yield _line(f"{family.name}_bucket", [("le", bound)], count)
    yield _line(f"{family.name}_sum", [], numbers[-1])
    yield _line(f"{family.name}_count", [], count)


def _line(name: str, labels: Sequence[tuple[str, str]], number: float) -> str:
    # No label value has a character that must be escaped: they are our own words and configured names.
    text = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{name}{{{text}}} {number:.15g}" if text else f"{name} {number:.15g}"
