"""The passages that may answer a question."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rag_backend.search import index, ranking, terms, vectors, words
from rag_backend.search.embedding import Embedding, EmbeddingFailed
from rag_backend.search.passages import Passage
from rag_backend.search.ranking import HEADING_WEIGHT, PAGE_WEIGHT, TEXT_WEIGHT
from rag_backend.search.terms import Term

CANDIDATES: Final = 30
"""Passages of the best by words that are looked at closely."""
MAX_PASSAGES: Final = 6
READ: Final = 2 * MAX_PASSAGES
"""Passages of the nearest in meaning that are read although no word led to them."""
JUDGED: Final = 3
"""Passages of the best by which it is judged whether the book answers at all."""
LEAST_COVERAGE: Final = 0.28
SMALL_BOOK: Final = 60
COVERAGE_OF_TEN: Final = 0.1
"""The share of the question's words, weighted by rarity, that a passage must hold to be an answer: in a
small book, of how many passages that is, and how much more in one of ten times as many. The larger a book,
the more of its words any question has by chance (docs/decisions/0023-retrieval.md)."""
CONTEXT_WORDS: Final = 12
"""Words of a selected text that steer the search beside those of the question."""

LARGE_BOOK: Final = 5_000
COMMON_SHARE: Final = 7
"""Passages from which on a word is not searched for unless all are like it, and by how much more passages
must lack it than have it."""
FUSION: Final = 20
"""Added to a rank before it is inverted; 60 of the paper is for lists of thousands."""


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

    It is empty when the book does not answer; `nearest` has the passages that came closest, for one who asks
    why, and `needed` is the coverage that one of the first would have needed.
    """

    terms: tuple[Term, ...]
    weights: dict[str, float]
    hits: tuple[Hit, ...]
    nearest: tuple[Hit, ...] = ()
    language: str = "en"
    needed: float = 0.0


def search(path: Path, question: str, context: str = "", embedding: Embedding | None = None) -> Found:
    """Search the book for a question; `context` is a text it was asked about, or "".

    A question that names nothing ("what does this mean?") is searched by its context. With the `embedding`
    that the index was made with, passages near in meaning count too. Raises IndexUnavailable.
    """
    with index.opened(path) as connection:
        meta = index.meta_of(connection)
        spoken: Sequence[str] = meta["languages"]
        total = int(meta["passages"])
        asked = terms.of(connection, question, spoken, total)
        nearby = [term for term in terms.of(connection, context, spoken, total) if term.tokens]
        rarest = sorted(nearby, key=lambda term: term.weight, reverse=True)[:CONTEXT_WORDS]
        judged = asked or rarest
        by_meaning: tuple[int, ...] = ()
        if embedding is not None and embedding.name == meta.get("embedding") and judged:
            by_meaning = _by_meaning(connection, path, f"{question}\n{context}".strip(), embedding)
        least = _needed(total)
        nearest: tuple[Hit, ...] = ()
        # An older version is searched only if the version that readers see first has no hit.
        first_seen = int(meta["first_seen"])
        for places in (range(1, first_seen + 1), range(first_seen + 1, total + 1)):
            by_words = _hits(connection, judged, [*asked, *rarest], places, total)
            hits = _fused(connection, by_words, by_meaning, judged, places)
            nearest = nearest or hits
            if good := _answering(by_words, hits, least):
                return Found(tuple(asked), _weights(judged), good, hits, spoken[0], least)
    return Found(tuple(asked), _weights(judged), (), nearest, spoken[0], least)


def _by_meaning(
    connection: sqlite3.Connection, path: Path, question: str, embedding: Embedding
) -> tuple[int, ...]:
    if not vectors.can_be_read():
        return ()
    try:
        return vectors.near(connection, path, embedding.question(question), CANDIDATES)
    except EmbeddingFailed:
        # A question is still answered by its words.
        return ()


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
    # A later one that is near in meaning alone comes behind all of these.
    others = [number for number in near[:READ] if number not in found and number in places]
    found |= {hit.number: hit for hit in _ranked(connection, others, judged, judged)}
    for rank, number in enumerate(near):
        if number in found:
            scores[number] = scores.get(number, 0.0) + 1 / (FUSION + rank)
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
    # A first page that begins with code or a table says in its first text what it is about.
    told = next((one for one in found if one.blocks[0].kind == "text"), found[0])
    return Found((), {}, (Hit(told, 1.0, 1.0),), (), spoken[0])


def _weights(judged: Sequence[Term]) -> dict[str, float]:
    related = {token: weight for term in judged for token, weight in term.related}
    return related | {token: term.weight for term in judged for token in term.tokens}


def _selective(searched: Sequence[Term], total: int) -> Sequence[Term]:
    """The terms without those that many passages of a large book have: they cost most and tell least."""
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


def _needed(passages: int) -> float:
    """The coverage that an answer needs in a book of so many passages."""
    return LEAST_COVERAGE + COVERAGE_OF_TEN * math.log10(max(1.0, passages / SMALL_BOOK))


def _answering(by_words: Sequence[Hit], hits: Sequence[Hit], least: float) -> tuple[Hit, ...]:
    """The best passages, if one of the first by words or of the first of both holds enough of the question.

    Passages beside it are kept in their order: a low one may have the same answer in other words.
    """
    judged = (*by_words[:JUDGED], *hits[:JUDGED])
    if max((hit.coverage for hit in judged), default=0.0) < least:
        return ()
    # One that is near in meaning may share no word with the question.
    return tuple(hit for hit in hits if hit.coverage >= least / 2 or hit.is_near)[:MAX_PASSAGES]
