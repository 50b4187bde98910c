"""A check from outside of the limits of a reader and of a site, by the questions that were surely
admitted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attack.stack import Limits


@dataclass(frozen=True, slots=True)
class Admitted:
    """A question that was admitted between `asked_at` and `heard_at`; its answer ran from then until
    `held_until` at least. Times are seconds of the monotonic clock."""

    asked_at: float
    heard_at: float
    held_until: float


def excess(questions: Sequence[Admitted], limits: Limits) -> float:
    """The number of questions by which the worst stretch of time exceeds burst and rate; negative if none
    does. The questions are of one reader at one site."""
    rate = limits.per_minute / 60
    by_end = sorted(questions, key=lambda one: one.heard_at)
    worst = -float(limits.burst)
    for first in questions:
        inside = 0
        for one in by_end:
            if one.asked_at >= first.asked_at:
                inside += 1
                worst = max(worst, inside - limits.burst - rate * (one.heard_at - first.asked_at))
    return worst


def most_at_once(questions: Iterable[Admitted]) -> int:
    """The largest number of answers that surely ran at the same time."""
    # Sorting puts an end before a beginning of the same moment.
    changes = [change for one in questions for change in ((one.heard_at, 1), (one.held_until, -1))]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most
