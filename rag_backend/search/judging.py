"""Judges whether a book answers a question, by the sum of the evidence.

The constants are near those of a logistic regression over the questions of bench/books and two larger books,
where their neighbours do as well (docs/decisions/0023-retrieval.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from rag_backend.search.terms import Term

NEEDED: Final = 0.37
"""The least evidence for an answer: this share of the question in one passage, if there is no other evidence
for or against it."""
AFFINITY_WEIGHT: Final = 0.15
"""An affinity of 1, words that are e times as likely in the book as in English, counts as much as this share
of the question's words."""
STANDING_WEIGHT: Final = 0.3
"""Each standard deviation by which the nearest passage stands out further than FAR counts as much as this
share of the question's words."""
FAR: Final = 1.5
"""Standard deviations by which the nearest passage has to stand out to speak for an answer: one in 14
questions about something else reaches them by chance."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """`coverage` is the share of the question, weighted by rarity, that one of the best passages holds.

    `affinity` is the mean of the affinities of its words. `standing` says by how many standard deviations
    the nearest passage is nearer in meaning than that of a question about something else is by chance; None
    where no model compared them.
    """

    coverage: float = 0.0
    affinity: float = 0.0
    standing: float | None = None

    @property
    def total(self) -> float:
        by_words = self.coverage + AFFINITY_WEIGHT * self.affinity
        return by_words if self.standing is None else by_words + STANDING_WEIGHT * (self.standing - FAR)

    @property
    def is_enough(self) -> bool:
        return self.total >= NEEDED


def affinity(judged: Sequence[Term]) -> float:
    """How much likelier the words of a question are in the book than in English; 0 for a question without
    words."""
    return fmean(term.affinity for term in judged) if judged else 0.0
