"""The passages that may answer a question."""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Final

from rag_backend.search import index, judging, names, ranking, terms, vectors
from rag_backend.search.embedding import Embedding, EmbeddingFailed
from rag_backend.search.judging import Evidence
from rag_backend.search.language import words
from rag_backend.search.passages import Passage
from rag_backend.search.ranking import HEADING_WEIGHT, PAGE_WEIGHT, TEXT_WEIGHT
from rag_backend.search.terms import Book, Term

CANDIDATES: Final = 30
"""The number of the best passages by words that are looked at closely."""
MAX_PASSAGES: Final = 6
READ: Final = 2 * MAX_PASSAGES
"""The number of the passages nearest in meaning that are read although no word led to them."""
JUDGED: Final = 3
"""The number of the best passages whose coverage speaks for an answer."""
LEAST_COVERAGE: Final = 0.15
"""The share of the question's words that a passage must hold to be shown beside one that answers."""
CONTEXT_WORDS: Final = 12
"""Words of a selected text that steer the search beside those of the question."""

LARGE_BOOK: Final = 5_000
COMMON_SHARE: Final = 7
"""A word that more passages than this have is not searched for, unless all words are like it; and the factor
by which more passages must lack it than have it."""
FUSION: Final = 4
"""Added to a rank before it is inverted. The paper has 60, for lists of thousands; among the few passages
that are shown the first ones of either list have to come before those that are in the middle of both."""
MEANING_WEIGHT: Final = 1.5
"""A rank by meaning counts half as much again as one by words: it tells more where they disagree."""


@dataclass(frozen=True, slots=True)
class Hit:
    """`score` is that of the words, or the sum of reciprocal ranks; higher is better. `coverage` is the share
    of the question that the passage holds, `number` its place in the book. `is_near` is True for one of those
    nearest in meaning."""

    passage: Passage
    score: float
    coverage: float
    number: int = 0
    is_near: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """`weights` maps each token of the index to its weight in the question. `hits` has the best first.

    It is empty when the book does not answer. To explain that, `nearest` has the passages that came closest,
    and `evidence` what spoke for an answer.
    """

    terms: tuple[Term, ...]
    weights: dict[str, float]
    hits: tuple[Hit, ...]
    nearest: tuple[Hit, ...] = ()
    language: str = "en"
    evidence: Evidence = field(default_factory=Evidence)

    def names_book(self, term: Term) -> bool:
        """Return True if a term was not judged, as it names the subject of the whole book."""
        return not self.weights.keys() >= set(term.tokens)


def search(path: Path, question: str, context: str = "", embedding: Embedding | None = None) -> Found:
    """Search the book for a question; `context` is a text it was asked about, or "".

    A question that names nothing ("what does this mean?") is searched by its context. With the `embedding`
    that the index was made with, passages near in meaning count too. Raises IndexUnavailable.
    """
    with index.opened(path) as connection:
        meta = index.meta_of(connection)
        total, first_seen = int(meta["passages"]), int(meta["first_seen"])
        book = Book(connection, tuple(meta["languages"]), total, int(meta["words"]))
        asked = terms.of(book, question)
        nearby = [term for term in terms.of(book, context) if term.tokens]
        rarest = sorted(nearby, key=lambda term: term.weight, reverse=True)[:CONTEXT_WORDS]
        named = asked or rarest
        # Every question may use the book's name for its subject, so that name counts only in a question
        # without other words.
        judged = [term for term in named if term.word not in meta["names"]] or named
        near: Mapping[int, float] = {}
        if embedding is not None and embedding.name == meta.get("embedding") and judged:
            text = f"{question}\n{context}".strip()
            if len(judged) < len(named):
                text = names.without(text, meta["names"])
            near = _near(connection, path, text, embedding)
        asking = _Asking(book, tuple(asked), tuple(judged), (*asked, *rarest), near, meta.get("by_chance"))
        versions = (range(1, first_seen + 1), range(first_seen + 1, total + 1))
        found = (_among(asking, places) for places in versions if places)
        # An older version is searched only if the version that readers see first does not answer, which then
        # says why.
        first = next(found)
        return next((one for one in chain((first,), found) if one.hits), first)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question put to a book: its own terms, those by which an answer is judged, and those searched for;
    the cosines of the passages near in meaning, and the cosines that are usual by chance."""

    book: Book
    asked: tuple[Term, ...]
    judged: tuple[Term, ...]
    searched: tuple[Term, ...]
    near: Mapping[int, float]
    by_chance: tuple[float, float] | None


def _among(asking: _Asking, places: range) -> Found:
    """The passages of one version that may answer; none if there is too little evidence."""
    book, judged = asking.book, asking.judged
    by_words = _hits(book.connection, judged, asking.searched, places, book.passages)
    hits = _fused(book.connection, by_words, list(asking.near), judged, places)
    evidence = Evidence(
        coverage=_coverage(by_words, hits),
        affinity=judging.affinity(_within(book, judged, places)),
        standing=_standing(asking, places),
    )
    shown = _shown(hits) if evidence.is_enough else ()
    return Found(asking.asked, _weights(judged), shown, hits, book.spoken[0], evidence)


def _near(
    connection: sqlite3.Connection, path: Path, question: str, embedding: Embedding
) -> Mapping[int, float]:
    if not vectors.can_be_read():
        return {}
    try:
        return vectors.near(connection, path, embedding.question(question), CANDIDATES)
    except EmbeddingFailed:
        # The question is then answered by its words alone.
        return {}


def _standing(asking: _Asking, places: range) -> float | None:
    """The number of standard deviations by which the nearest passage is nearer than one would be by
    chance."""
    cosine = max((cosine for number, cosine in asking.near.items() if number in places), default=None)
    if cosine is None or asking.by_chance is None:
        return None
    mean, deviation = asking.by_chance
    return (cosine - mean) / deviation if deviation else None


def _fused(
    connection: sqlite3.Connection,
    by_words: tuple[Hit, ...],
    near: Sequence[int],
    judged: Sequence[Term],
    places: range,
) -> tuple[Hit, ...]:
    """Both lists as one, by reciprocal ranks (Cormack, Clarke and Buettcher, SIGIR 2009)."""
    if not near:
        return by_words
    found = {hit.number: hit for hit in by_words}
    scores = {hit.number: 1 / (FUSION + rank) for rank, hit in enumerate(by_words)}
    # A passage further down that is only near in meaning comes behind all of these.
    others = [number for number in near[:READ] if number not in found and number in places]
    found |= {hit.number: hit for hit in _ranked(connection, others, judged, judged)}
    for rank, number in enumerate(near):
        if number in found:
            scores[number] = scores.get(number, 0.0) + MEANING_WEIGHT / (FUSION + rank)
    ranked = sorted(found, key=lambda number: (-scores[number], number))
    nearest = near[:MAX_PASSAGES]
    return tuple(replace(found[number], score=scores[number], is_near=number in nearest) for number in ranked)


def _ranked(
    connection: sqlite3.Connection, numbers: Sequence[int], judged: Sequence[Term], searched: Sequence[Term]
) -> list[Hit]:
    rows = [
        connection.execute(
            "select version, url, title, language, blocks from passages where id = ?", (number,)
        ).fetchone()
        for number in numbers
    ]
    passages = [index.stored(row) for row in rows]
    ranks = ranking.ranks(passages, judged, searched)
    return [
        Hit(passage, rank.score, rank.coverage, number)
        for number, passage, rank in zip(numbers, passages, ranks, strict=True)
    ]


def beginning(path: Path) -> Found:
    """The first passage of the book's first page, for a question about the book as a whole. Raises
    IndexUnavailable."""
    with index.opened(path) as connection:
        rows = connection.execute(
            "select version, url, title, language, blocks from passages order by version != '', id limit ?",
            (MAX_PASSAGES,),
        ).fetchall()
        spoken: Sequence[str] = index.meta_of(connection)["languages"]
    found = [index.stored(row) for row in rows]
    # A first page that begins with code or a table tells its subject in its first text.
    told = next((one for one in found if one.blocks[0].kind == "text"), found[0])
    return Found((), {}, (Hit(told, 1.0, 1.0),), (), spoken[0])


def _weights(judged: Sequence[Term]) -> dict[str, float]:
    related = {token: weight for term in judged for token, weight in term.related}
    return related | {token: term.weight for term in judged for token in term.tokens}


def _selective(searched: Sequence[Term], total: int) -> Sequence[Term]:
    """The terms without those that many passages of a large book have: these cost most and tell least."""
    if total < LARGE_BOOK:
        return searched
    telling = [term for term in searched if term.weight >= math.log(1 + COMMON_SHARE) or not term.tokens]
    return telling if any(term.tokens for term in telling) else searched


def _hits(
    connection: sqlite3.Connection,
    judged: Sequence[Term],
    searched: Sequence[Term],
    places: range,
    total: int,
) -> tuple[Hit, ...]:
    wanted = _selective(searched, total)
    tokens = dict.fromkeys(token for term in wanted for token in (*term.tokens, *dict(term.related)))
    if not tokens or not places:
        return ()
    # The passages are read afterwards: in one statement each match would be, not only the best.
    rows = connection.execute(
        "select rowid from words where words match ? and rowid between ? and ?"
        " order by bm25(words, ?, ?, ?), rowid limit ?",
        (
            words.match_any(tokens),
            places[0],
            places[-1],
            PAGE_WEIGHT,
            HEADING_WEIGHT,
            TEXT_WEIGHT,
            CANDIDATES,
        ),
    ).fetchall()
    found = _ranked(connection, [number for (number,) in rows], judged, searched)
    return tuple(sorted(found, key=lambda hit: (-hit.score, hit.number)))


def _within(book: Book, judged: Sequence[Term], places: range) -> Sequence[Term]:
    """The terms; a term that only other passages have counts as a word that the book lacks."""
    if len(places) == book.passages:
        return judged
    absent = terms.affinity_of_absent(book)
    return [
        term if _is_in(book, term, places) else replace(term, affinity=min(term.affinity, absent))
        for term in judged
    ]


def _is_in(book: Book, term: Term, places: range) -> bool:
    tokens = (*term.tokens, *dict(term.related))
    if not tokens or not places:
        return False
    row = book.connection.execute(
        "select 1 from words where words match ? and rowid between ? and ? limit 1",
        (words.match_any(tokens), places[0], places[-1]),
    ).fetchone()
    return row is not None


def _coverage(by_words: Sequence[Hit], hits: Sequence[Hit]) -> float:
    """The largest share of the question that one of the first passages holds, by words or by both."""
    return max((hit.coverage for hit in (*by_words[:JUDGED], *hits[:JUDGED])), default=0.0)


def _shown(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The best passages in their order; a lower one is kept too, as it may give the same answer in other
    words."""
    # A passage that is near in meaning may share no word with the question.
    return tuple(hit for hit in hits if hit.coverage >= LEAST_COVERAGE or hit.is_near)[:MAX_PASSAGES]
