"""The slowest input of each parser that works on the event loop, found by a bounded search.

An input is a fragment of the parser's own grammar, or several, repeated until the size is reached:
disproportionate cost comes from repetition. The search changes the slowest inputs and tries them again.
"""

import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

MAX_FRAGMENTS: Final = 4
KEPT: Final = 4
"""Inputs, the slowest so far, that the search changes further."""
TIMED: Final = 3
"""Times that an input is parsed; the fastest counts, because the machine caused the rest."""

Parse = Callable[[bytes], object]
"""Parses an input. If it returns a generator, which yields to others, only the longest turn counts."""


@dataclass(frozen=True, slots=True)
class Target:
    """`parse` may raise any exception; `size` is the largest input that it is given. An input begins and ends
    with one of `around`, and repeats `fragments` between them. The tests set no bound where `is_bounded` is
    false, as for the answers of a backend, which the operator chooses."""

    name: str
    size: int
    parse: Parse
    fragments: Sequence[bytes]
    around: Sequence[tuple[bytes, bytes]] = ((b"", b""),)
    is_bounded: bool = True


@dataclass(frozen=True, slots=True)
class Slowest:
    """`unit` is the part that was repeated."""

    seconds: float
    unit: bytes
    around: tuple[bytes, bytes]


def search(target: Target, tries: int, seed: int) -> Slowest:
    """The slowest of `tries` inputs; the same seed tries the same inputs, as far as their times agree."""
    chance = random.Random(seed)
    found: list[Slowest] = []
    for unit, around in _first(target):
        found.append(_timed(target, unit, around))
    for _ in range(tries):
        found = sorted(found, key=lambda one: -one.seconds)[:KEPT]
        known = chance.choice(found)
        found.append(_timed(target, _changed(target, known.unit, chance), chance.choice(target.around)))
    best = max(found, key=lambda one: one.seconds)
    # Timed once more, because the slowest of many is often the one that the machine disturbed most.
    return _timed(target, best.unit, best.around)


def _first(target: Target) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
    for around in target.around:
        for fragment in target.fragments:
            yield fragment, around


def _changed(target: Target, unit: bytes, chance: random.Random) -> bytes:
    more = [chance.choice(target.fragments) for _ in range(chance.randint(1, MAX_FRAGMENTS - 1))]
    return b"".join([unit, *more]) if chance.random() < 0.5 and len(unit) < 64 else b"".join(more)


def _timed(target: Target, unit: bytes, around: tuple[bytes, bytes]) -> Slowest:
    before, after = around
    raw = before + unit * ((target.size - len(before) - len(after)) // len(unit)) + after
    seconds = min(_once(target.parse, raw) for _ in range(TIMED))
    return Slowest(seconds, unit, around)


def _once(parse: Parse, raw: bytes) -> float:
    began = time.thread_time()
    longest = 0.0
    # Refusals of any kind are timed too.
    with suppress(Exception):
        parsing = parse(raw)
        if isinstance(parsing, Generator):
            for _ in parsing:
                now = time.thread_time()
                longest, began = max(longest, now - began), now
    return max(longest, time.thread_time() - began)
