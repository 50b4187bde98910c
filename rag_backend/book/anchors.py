"""Heading anchors as Docusaurus makes them: explicit ids, else slugs as github-slugger numbers them."""

import re
import unicodedata
from typing import Final

# github-slugger keeps Alphabetic, Mark, Decimal_Number and Connector_Punctuation of Unicode 13, so this
# module keeps letters younger than 2020 that github-slugger drops. These letters in circles and squares are
# Alphabetic without being of a letter category.
_ENCLOSED_LETTERS: Final = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
_KEPT_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Me", "Nd", "Pc"})

_CLASSIC_ID = re.compile(r"\s*\{#((?:.(?!\{#|\}))*.)\}$")
_COMMENT = re.compile(r"\s*/\*((?:(?!\*/).)*)\*/\s*|<!--(.*)-->", re.DOTALL)


class Slugger:
    """The anchors of one page: the second `setup` is `setup-1`. `keeps_case` is the site's option."""

    def __init__(self, *, keeps_case: bool = False) -> None:
        self._keeps_case = keeps_case
        self._seen: dict[str, int] = {}

    def slug(self, heading: str) -> str:
        """The anchor for a heading's plain text; empty when an anchor may have none of its characters."""
        first = slug(heading if self._keeps_case else heading.lower())
        unique = first
        while unique in self._seen:
            self._seen[first] += 1
            unique = f"{first}-{self._seen[first]}"
        self._seen[unique] = 0
        return unique


def slug(text: str) -> str:
    return "".join(filter(_is_kept, text)).replace(" ", "-")


def split_classic_id(heading: str) -> tuple[str, str | None]:
    """`Title {#id}` as its text and id. An id may have any text except `{#` and `}`."""
    match = _CLASSIC_ID.search(heading)
    if match is None:
        return heading, None
    return heading[: match.start()], match[1].strip() or None


def comment_id(source: str) -> str | None:
    """The id in `/* #id */` (an expression without its braces) or `<!-- #id -->`; its first word only."""
    match = _COMMENT.fullmatch(source)
    words = (match[1] or match[2] or "").split() if match else []
    return words[0][1:] or None if words and words[0].startswith("#") else None


def _is_kept(character: str) -> bool:
    if character in " -":
        return True
    if unicodedata.category(character) in _KEPT_CATEGORIES:
        return True
    return any(first <= ord(character) <= last for first, last in _ENCLOSED_LETTERS)
