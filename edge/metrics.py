"""What a process counts, as numbers that cost their counting and nothing more: they are read when asked for.

prometheus-client's own counters would be three to ten times as dear, eight with its files for several
processes, and take 2 MiB that a broker does not have (docs/decisions/0011). What it reads is plain text.
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
"""By the values of the labels. A histogram has the counts of its buckets, the one above all bounds too, and
the sum; others have one number."""


@dataclass(frozen=True, slots=True)
class Family:
    """`merge` says what the number of several workers is. `bounds` are a histogram's."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    merge: Literal["sum", "max", "min"] = "sum"
    bounds: tuple[float, ...] = ()

    @property
    def form(self) -> tuple[object, ...]:
        """What two have to have in common for their numbers to be put together."""
        return self.kind, self.labels, self.bounds

    @property
    def is_lasting(self) -> bool:
        """Whether what an ended worker counted still counts."""
        return self.kind != "gauge"


class Histogram:
    """How many were how long, in seconds."""

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
"""By the name of the family."""
Number = int | float
Read = Callable[[], Number | Mapping[str, Number] | Mapping[Labels, Number] | Values | None]


class Metrics:
    """All that one process counts, each family with where its numbers are read. `slot` is which of the
    workers it is, `responses` are those of the application by class of status."""

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
        """`read` answers one number, or one for each label; None where there is nothing to say."""
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
        # The most that it ever was is all that others than Linux tell; in bytes there.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "darwin" else None


_MERGE: Final[Mapping[str, Callable[[tuple[float, float]], float]]] = {"sum": sum, "max": max, "min": min}


def merged(snapshots: Sequence[Snapshot]) -> Snapshot:
    """Of several workers as if they were one."""
    found: Snapshot = {}
    for snapshot in snapshots:
        for name, (family, values) in snapshot.items():
            known, so_far = found.get(name, (family, {}))
            if known.form != family.form:
                # Of a program that was replaced meanwhile: the count begins anew.
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
    """What of it still counts when its worker has ended."""
    return {name: entry for name, entry in snapshot.items() if entry[0].is_lasting}


def dump(snapshot: Snapshot) -> bytes:
    """As one line."""
    return orjson.dumps([[asdict(family), list(values.items())] for family, values in snapshot.values()])


def load(line: bytes) -> Snapshot:
    found: Snapshot = {}
    for members, values in orjson.loads(line):
        family = Family(**members | {"labels": tuple(members["labels"]), "bounds": tuple(members["bounds"])})
        found[family.name] = (family, {tuple(labels): numbers for labels, numbers in values})
    return found


def render(snapshot: Snapshot) -> bytes:
    """In the text format of Prometheus."""
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
    # No value of a label has a character that must be escaped: they are our own words and configured names.
    text = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{name}{{{text}}} {number:.15g}" if text else f"{name} {number:.15g}"
