"""Models of how people write: the bits that a guesser who knows their habits needs to describe a text.

Each function returns the bits of every character, and is a code in the sense of information theory: at most
one in 2^k random texts is described with k bits less than random text needs.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Final, Literal

from zxcvbn.frequency_lists import FREQUENCY_LISTS

Class = Literal["lower", "upper", "digit", "other"]

_AFTER: Final[Mapping[str, Mapping[str, float]]] = {
    "start": {"letter": 0.8, "digit": 0.15, "other": 0.05},
    "letter": {"letter": 0.8, "digit": 0.06, "other": 0.14},
    "digit": {"letter": 0.15, "digit": 0.7, "other": 0.15},
    "other": {"letter": 0.75, "digit": 0.15, "other": 0.1},
}
"""The probability that a letter, a digit or another character follows each kind in text by people."""
_NEXT_DIGIT: Final = 0.35
_SAME_DIGIT: Final = 0.15
_SEPARATORS: Final[Mapping[str, float]] = {"-": 0.4, "_": 0.3, " ": 0.1, ".": 0.05, "!": 0.05}
_KEEPS_CASE: Final = 0.93
_CAPITAL: Final = 0.3
_UNUSED: Final = 0.97
_IN_STEP: Final = 0.97
_ORDERS: Final = (
    "0123456789abcdefghijklmnopqrstuvwxyz",
    "1234567890qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
"""The alphabet, the rows of a keyboard and its columns."""
_LAGS: Final = (1, 2, 3, 4)
_STEPS: Final[Mapping[int, float]] = {1: 0.5, -1: 0.15, 0: 0.15}
_REPEAT_BITS: Final = 3.0
"""The cost of stating that a repetition begins here."""
LEET: Final = str.maketrans("013457@$!", "oieastasi")
_LEET_BITS: Final = 1.0


def kind(character: str) -> Class:
    """The class of an ASCII character; every other character is `other`."""
    if "a" <= character <= "z":
        return "lower"
    if "A" <= character <= "Z":
        return "upper"
    return "digit" if "0" <= character <= "9" else "other"


def chance(text: str) -> float:
    """Bits of one character of `text` if it were drawn from the smallest usual alphabet that has them all."""
    if re.fullmatch(r"[0-9a-f]*|[0-9A-F]*", text):
        return math.log2(10 if text.isdigit() else 16)
    if _has_signs(text):
        # Django's generator draws no capitals.
        return math.log2(94 if re.search(r"[A-Z]", text) else 68)
    if re.search(r"[+/=_-]", text):
        return math.log2(64)
    # A generator that draws letters draws digits too, so a person wrote 32 letters without a digit.
    return math.log2(62 if re.search(r"[a-z]", text) and re.search(r"[A-Z]", text) else 36)


def _has_signs(text: str) -> bool:
    """Return True if the text has signs other than those of base64 and base64url."""
    return re.search(r"[^A-Za-z0-9+/=_-]", text) is not None


@cache
def _pairs() -> Mapping[str, Mapping[str, float]]:
    """Bits of a letter given the letter before it within words; `^` stands before the first."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for words in FREQUENCY_LISTS.values():
        for word in words:
            for one, following in pairwise(f"^{word}"):
                if "a" <= following <= "z":
                    counts[one][following] += 1
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return {
        one: {
            following: -math.log2((counts[one][following] + 5) / (counts[one].total() + 5 * 26))
            for following in alphabet
        }
        for one in f"^{alphabet}"
    }


def words(text: str) -> list[float]:
    """Bits of the text as words, in any case and with separators and numbers between them."""
    bits = []
    before = "start"
    for at, one in enumerate(text):
        previous = text[at - 1] if at else ""
        now = "letter" if kind(one) in ("lower", "upper") else kind(one)
        cost = -math.log2(_AFTER[before][now])
        if now == "letter":
            cost += _pairs()[previous.lower() if before == "letter" else "^"][one.lower()]
            cost += _case(one, previous)
        elif now == "digit":
            cost += _digit(one, previous if before == "digit" else "")
        else:
            cost += -math.log2(_SEPARATORS.get(one, 0.1 / 30))
        bits.append(cost)
        before = now
    return bits


def _case(one: str, previous: str) -> float:
    is_upper = kind(one) == "upper"
    if kind(previous) not in ("lower", "upper"):
        return -math.log2(_CAPITAL if is_upper else 1 - _CAPITAL)
    return -math.log2(_KEEPS_CASE if (kind(previous) == "upper") == is_upper else 1 - _KEEPS_CASE)


def _digit(one: str, previous: str) -> float:
    if not previous:
        return math.log2(10)
    rest = (1 - _NEXT_DIGIT - _SAME_DIGIT) / 8
    step = (int(one) - int(previous)) % 10
    return -math.log2({1: _NEXT_DIGIT, 0: _SAME_DIGIT}.get(step, rest))


def leet(text: str) -> list[float]:
    """Bits of the text as words in which digits stand for letters."""
    plain = text.translate(LEET)
    return [
        bits + (_LEET_BITS if written != meant else 0)
        for bits, written, meant in zip(words(plain), text, plain, strict=True)
    ]


def walks(text: str) -> Iterator[list[float]]:
    """Bits of the text as up to four interleaved series, each along the alphabet or the keyboard."""
    lower = text.lower()
    case = [_case(one, before) if one.isalpha() else 0.0 for before, one in pairwise(f" {text}")]
    for order in _ORDERS:
        places = [order.find(one) for one in lower]
        if -1 in places:
            continue
        size = 16 if max(order.index(one) for one in lower) < 16 and order is _ORDERS[0] else 36
        rest = (1 - sum(_STEPS.values())) / (size - len(_STEPS))
        for lag in _LAGS:
            bits = [math.log2(size)] * min(lag, len(text))
            for at in range(lag, len(text)):
                step = (places[at] - places[at - lag] + size // 2) % size - size // 2
                bits.append(-math.log2(_STEPS.get(step, rest)))
            yield [one + two for one, two in zip(bits, case, strict=True)]


def few(text: str) -> list[float]:
    """Bits of the text as a few characters repeated, as when fingers run over a few keys."""
    used = len(set(text))
    size = max(94 if _has_signs(text) else 36 if text.islower() else 62, used)
    # How many, which, and for each letter which of them.
    named = math.log2(len(text)) + math.log2(math.comb(size, used))
    return [math.log2(used) + named / len(text)] * len(text)


def rhythms(text: str) -> Iterator[list[float]]:
    """Bits of the text as random characters whose kinds follow a fixed rhythm: a person who wants a text to
    look random writes so, and rarely uses a character twice."""
    is_hex = re.fullmatch(r"[0-9a-fA-F]*", text) is not None
    letters = 6 if is_hex else 26
    sizes = {"lower": letters, "upper": letters, "digit": 10, "other": 32 if _has_signs(text) else 2}
    kinds = [kind(one) for one in text]
    drawn = [math.log2(sizes[name]) for name in kinds]
    for lag in _LAGS:
        when = [
            2.0 if at < lag else -math.log2(_IN_STEP if one == kinds[at - lag] else (1 - _IN_STEP) / 3)
            for at, one in enumerate(kinds)
        ]
        for which in (drawn, _unused(text, sizes)):
            yield [one + two for one, two in zip(when, which, strict=True)]


def _unused(text: str, sizes: Mapping[str, int]) -> list[float]:
    """Bits of each character, where one that its kind has not used yet is likelier, while there are such."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    bits = []
    for one in text:
        name = kind(one)
        seen = used[name]
        left = sizes[name] - len(seen)
        if left <= 0:
            seen.clear()
            left = sizes[name]
        bits.append(-math.log2(_UNUSED / left if one not in seen else (1 - _UNUSED) / len(seen)))
        seen.add(one)
    return bits


def repeats(text: str) -> Iterator[tuple[int, int, float]]:
    """Start, end and bits of each piece of at least four characters that occurred before, in any case."""
    lower = text.lower()
    where = math.log2(max(len(text), 2)) * 2 + _REPEAT_BITS
    for start in range(1, len(text)):
        for end in range(start + 4, len(text) + 1):
            if lower.find(lower[start:end], 0, end - 1) == -1:
                break
            yield start, end, where
