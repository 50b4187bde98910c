"""The words by which a book calls its subject, such as a product's name.

A question that names it is no nearer to an answer: "Does Tally sell gift cards?" asks about gift cards.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from rag_backend.search.language import languages, words
from rag_backend.search.passages import Passage

LEAST_SHARE: Final = 0.1
"""The share of the passages in which a word has to stand to be the book's name for its subject. A product's
name mostly stands in a third of them; few other words of a title or of a first sentence stand in a tenth."""
FRONT_PAGES: Final = ("intro", "introduction", "overview")
"""The usual names of the page that introduces the subject; in a folder without an order it is not the
first."""
_SENTENCE: Final = re.compile(r".*?[.!?:](?=\s|$)|.+", re.DOTALL)
_CAPITALIZED: Final = re.compile(r"\b[^\W\d_a-z]\w*")


def of(found: Sequence[Passage], title: str, passages_with: Mapping[str, int]) -> list[str]:
    """The folded words that name the subject of a book, by its site's `title` and the first passage of the
    page that introduces it. `passages_with` says how many passages have a folded word.
    """
    fronts = filter(_is_front, found)
    first = min(fronts, key=lambda passage: passage.page.count("/"), default=found[0])
    said = [*words.folded(title), *(words.fold(word) for word in _introduced(first))]
    stops = {words.fold(word) for word in languages.stop_words(first.language)}
    return [
        word
        for word in dict.fromkeys(said)
        if passages_with.get(word, 0) >= LEAST_SHARE * len(found) and word not in stops
    ]


def without(text: str, names: Collection[str]) -> str:
    """A text without these words."""
    kept = (part for part in re.split(r"(\w+)", text) if words.fold(part) not in names)
    return " ".join("".join(kept).split())


def _is_front(passage: Passage) -> bool:
    # The address of an index page ends with a slash.
    return passage.page.rpartition("/")[2].lower() in ("", *FRONT_PAGES)


def _introduced(first: Passage) -> Iterator[str]:
    """The words with a capital of the first page's title and of its first sentence."""
    page, _ = first.headings
    told = next((block.text for block in first.blocks if block.kind == "text"), "")
    sentence = _SENTENCE.match(told)
    yield from _CAPITALIZED.findall(page)
    yield from _CAPITALIZED.findall(sentence[0] if sentence else "")
