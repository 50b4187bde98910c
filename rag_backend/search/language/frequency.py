"""How common a word is in English, by the lists of zxcvbn."""

from functools import cache
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

OTHER_RANK: Final = 500
"""The rank of a word that only a list other than the English ones has."""
UNLISTED_RANK: Final = 60_000
"""The rank of a word that no list has: they end at 30,000."""
FIRST_SHARE: Final = 0.1
"""The share of a text that a word of rank 1 would have, by Zipf's law over some 20,000 words."""


def rank(word: str) -> int | None:
    """A folded word's rank in films or in an encyclopedia, None for a word of no list."""
    return _ranks().get(word)


def share(word: str) -> float:
    """The share of an English text that a folded word is expected to have."""
    return FIRST_SHARE / (rank(word) or UNLISTED_RANK)


@cache
def _ranks() -> dict[str, int]:
    """A word is in one of zxcvbn's lists alone: "test" and "server" are among the passwords, "page" among the
    surnames. Their ranks there say nothing about English, so all such words get this one rank.
    """
    others = (FREQUENCY_LISTS[name] for name in ("passwords", "surnames"))
    found = {word: OTHER_RANK for words_of in others for word in words_of if word.isalpha()}
    lists = (FREQUENCY_LISTS[name] for name in ("us_tv_and_film", "english_wikipedia"))
    return found | {word: rank for words_of in lists for rank, word in enumerate(words_of, 1)}
