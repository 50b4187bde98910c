"""The order of the passages that a search by words finds, and how much of the question each holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rag_backend.search.language import languages, words
from rag_backend.search.passages import Passage
from rag_backend.search.terms import Term

PAGE_WEIGHT: Final = 1.5
HEADING_WEIGHT: Final = 2.5
TEXT_WEIGHT: Final = 1.0
"""The weight of an occurrence in the page's title, in the headings below it, and in the text."""
SATURATION: Final = 1.0
LENGTH_SHARE: Final = 0.5
"""k1 and b of BM25: how soon further occurrences count less, and how much a long passage is held back."""
NEAR: Final = 0.15
SPAN: Final = 4
"""The gain when two words that are neighbours in the question stand within so many words in the passage, as a
part of the lesser weight."""
MIN_WITHIN: Final = 4
"""Letters of a word that counts as a part of a compound."""


@dataclass(frozen=True, slots=True)
class Words:
    """The stems of a passage: of the page's title, the headings within it, and the text in its order."""

    page: Sequence[str]
    heading: Sequence[str]
    text: Sequence[str]
    language: str

    @classmethod
    def of(cls, passage: Passage) -> "Words":
        page, heading = passage.headings
        language = passage.language
        return cls(
            words.tokens(page, language),
            words.tokens(heading, language),
            words.tokens(passage.searched, language),
            language,
        )


@dataclass(frozen=True, slots=True)
class Rank:
    """`coverage` is the share of the question, weighted by rarity, that a passage holds."""

    score: float
    coverage: float


def ranks(found: Sequence[Passage], judged: Sequence[Term], searched: Sequence[Term]) -> list[Rank]:
    """The rank of each passage: scored by the terms `searched`, and its coverage of those `judged`."""
    read = list(map(Words.of, found))
    mean = sum(len(one.text) for one in read) / len(read) if read else 1.0
    whole = sum(term.weight for term in judged) or 1.0
    terms = (*searched, *judged)
    wanted = frozenset(token for term in terms for token in (*term.tokens, *dict(term.related)))
    made = []
    for one in read:
        counts = _counts(one, wanted)
        norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * len(one.text) / (mean or 1.0))
        score = sum(_weight(counts, term, norm) for term in searched)
        covered = sum(_weight(counts, term, 0.0) for term in judged)
        made.append(Rank(score + _nearness(one.text, searched, wanted), covered / whole))
    return made


def _weight(counts: Mapping[str, float], term: Term, norm: float) -> float:
    """The weight of a term in a passage: the full weight if `norm` is 0, otherwise less the more seldom the
    term stands there."""
    if own := sum(counts.get(token, 0.0) for token in term.tokens):
        return term.weight * own / (own + norm)
    others = ((weight, counts.get(token, 0.0)) for token, weight in term.related)
    return max((weight * other / (other + norm) for weight, other in others if other), default=0.0)


def _counts(held: Words, wanted: frozenset[str]) -> Mapping[str, float]:
    """The occurrences of each wanted token in a passage, weighted by field."""
    counts: dict[str, float] = {}
    for tokens, weight in (
        (held.page, PAGE_WEIGHT),
        (held.heading, HEADING_WEIGHT),
        (held.text, TEXT_WEIGHT),
    ):
        for token in tokens:
            if token in wanted:
                counts[token] = counts.get(token, 0.0) + weight
            elif held.language in languages.COMPOUNDING:
                for part in _parts(token, wanted):
                    counts[part] = counts.get(part, 0.0) + weight
    return counts


def _parts(token: str, wanted: frozenset[str]) -> list[str]:
    """The wanted tokens that a longer word holds: a part of a compound counts as the word itself."""
    return [part for part in wanted if len(part) >= MIN_WITHIN and part in token]


def _nearness(text: Sequence[str], searched: Sequence[Term], wanted: frozenset[str]) -> float:
    """The gain for words that are neighbours in the question and near each other in the text."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(text):
        if token in wanted:
            places.setdefault(token, []).append(place)
    gained = 0.0
    for one, other in pairwise(searched):
        firsts = [place for token in one.tokens for place in places.get(token, ())]
        seconds = {place for token in other.tokens for place in places.get(token, ())}
        if any(place + step in seconds for place in firsts for step in range(-SPAN, SPAN + 1) if step):
            gained += NEAR * min(one.weight, other.weight)
    return gained
