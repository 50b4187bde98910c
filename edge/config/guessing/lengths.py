"""The bits that a guesser who knows how people write needs for a secret, by `zxcvbn` and `writing`."""

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from zxcvbn import matching, scoring

from edge.config.guessing import known, readings, shown, writing

MAX_LENGTH: Final = 256
"""Characters that are examined: the time of zxcvbn grows with the square of a text's length."""
WINDOW: Final = 32
STEP: Final = 8
MARGIN: Final = 18
"""Bits that a guesser must save: in 9,199 random windows the guesser saved eleven at most."""
MIN_BITS: Final = 128
"""Random bits that a secret must have (NIST SP 800-131A: fewer than 112 are no key)."""
_MATCH_BITS: Final = 8.0
"""The cost of stating that a match begins here, and which of zxcvbn's kinds it is."""
_DISGUISE_BITS: Final = 4.0
"""The cost of stating how a word is disguised: zxcvbn counts few guesses, and finds such words in any
text."""
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_UNBROKEN: Final = re.compile(r"[A-Za-z0-9+/=_-]+")


def is_guessable(secret: str) -> bool:
    """Return True if the secret is public, or if no part of it looks random."""
    if not secret.isascii():
        # No generator of secrets draws letters beyond ASCII: a person's keyboard has them.
        return True
    kinds = (known.is_published, known.is_digest_of_a_word, known.is_known_number, shown.is_shown)
    if any(is_of_kind(secret) for is_of_kind in kinds):
        return True
    inner = readings.text(secret)
    if inner is not None:
        # A random secret never decodes to so much text.
        return is_guessable(inner) or not _UNBROKEN.fullmatch(inner)
    return is_made_up(readings.bare(secret)) or any(
        is_made_up(raw.hex()) for raw in readings.octets(secret) if len(raw) >= WINDOW // 2
    )


def is_made_up(text: str) -> bool:
    """Return True if the text is too short to be random enough, or if a guesser saves MARGIN bits or more."""
    return writing.chance(text) * len(text) < MIN_BITS or saved(text) >= MARGIN


def saved(text: str) -> float:
    """Bits that a guesser who knows how people write saves in the window where the saving is smallest."""
    text = _UUID.sub(lambda found: found[0].replace("-", ""), text[:MAX_LENGTH])
    return min(writing.chance(window) * len(window) - least_bits(window) for window in _windows(text))


def _windows(text: str) -> Iterator[str]:
    last = max(len(text) - WINDOW, 0)
    for start in {*range(0, last + 1, STEP), last}:
        yield text[start : start + WINDOW]


def least_bits(text: str) -> float:
    """The bits of the shortest description of `text` that this module knows."""
    pieces = sorted([*_matches(text), *writing.repeats(text)], key=lambda piece: piece[1])
    ways = [
        writing.words(text),
        writing.leet(text),
        writing.few(text),
        *writing.rhythms(text),
        *writing.walks(text),
    ]
    return min(_shortest(bits, pieces) for bits in ways) + math.log2(len(ways))


def _matches(text: str) -> Iterator[tuple[int, int, float]]:
    for match in matching.omnimatch(text):
        start, end = match["i"], match["j"] + 1
        # zxcvbn charges ten letters of choice for a repeated text; writing.repeats charges it in full.
        is_repeated_chance = match["pattern"] == "repeat" and all(
            one["pattern"] == "bruteforce" for one in match["base_matches"]
        )
        if end - start >= 4 and not is_repeated_chance:
            disguise = _DISGUISE_BITS if match.get("l33t") or match.get("reversed") else 0
            yield start, end, math.log2(scoring.estimate_guesses(match, text)) + _MATCH_BITS + disguise


def _shortest(bits: list[float], pieces: list[tuple[int, int, float]]) -> float:
    """The fewest bits of a text, by its letters or by pieces for some of them, sorted by their ends."""
    before = [0.0, *itertools.accumulate(bits)]
    ends, gains = [0], [0.0]
    for start, end, cost in pieces:
        gain = before[end] - before[start] - cost
        if gain > 0:
            gain += gains[bisect_right(ends, start) - 1]
            if gain > gains[-1]:
                ends.append(end)
                gains.append(gain)
    return before[-1] - gains[-1]
