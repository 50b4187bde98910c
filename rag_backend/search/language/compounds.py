"""Compound words of German and its like, cut into the words that the book has."""

from collections.abc import Callable
from typing import Final

MIN_PART: Final = 4
MIN_WORD: Final = 2 * MIN_PART
MAX_WORD: Final = 40
_LINKS: Final = ("", "s", "es", "n", "en", "e")


def split(word: str, is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """Two or three known words that make up a folded word, or none. The split with the longest first word
    wins."""
    if not MIN_WORD <= len(word) <= MAX_WORD or not word.isalpha():
        return ()
    for end in range(len(word) - MIN_PART, MIN_PART - 1, -1):
        head = word[:end]
        if not _stands(head, is_known):
            continue
        tail = word[end:]
        if is_known(tail):
            return head, tail
        rest = split(tail, is_known)
        if len(rest) == 2:
            return head, *rest
    return ()


def _stands(head: str, is_known: Callable[[str], bool]) -> bool:
    """Return True if a first part is a word, with or without the letters that link it to the next."""
    return any(
        head.endswith(link) and len(head) - len(link) >= MIN_PART and is_known(head.removesuffix(link))
        for link in _LINKS
    )
