"""The parameters of every search: its seed, its time, and the number of its first attempt."""

import time
from dataclasses import dataclass
from random import Random


@dataclass
class Search:
    """`seconds` count from `begin`, which a search calls when its readers and connections are ready."""

    seed: int
    seconds: float
    first: int = 0
    _ends_at: float = 0.0

    def begin(self) -> None:
        self._ends_at = time.monotonic() + self.seconds

    def goes_on(self) -> bool:
        return time.monotonic() < self._ends_at

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(0.0, self._ends_at - time.monotonic())


def chance_of(seed: int, what: str, number: int) -> Random:
    """The random numbers of an attempt, which do not depend on the attempts before it."""
    return Random(f"{seed}/{what}/{number}")
