"""From a question to the passages that may answer it, or to none."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rag_backend import index, words
from rag_backend.passages import Passage

CANDIDATES: Final = 20
MAX_PASSAGES: Final = 6
MIN_COVERAGE: Final = 0.45
"""The share of a question's words, weighed by their rarity, that a passage must hold to be an answer."""
CONTEXT_WORDS: Final = 12
"""Words of a selected text that steer the search beside those of the question."""

TITLE_WEIGHT: Final = 3.0
TEXT_WEIGHT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Hit:
    passage: Passage
    coverage: float


@dataclass(frozen=True, slots=True)
class Found:
    """`weights`: each word's rarity in the book, by its stem. `hits`: the best first, maybe none."""

    weights: dict[str, float]
    hits: tuple[Hit, ...]


def search(path: Path, question: str, context: str = "") -> Found:
    """Search the book for a question; `context` is a text it was asked about, or "".

    A question that names nothing ("what does this mean?") is searched by its context. Raises
    IndexUnavailable.
    """
    with index.opened(path) as connection:
        weights = _weights(connection, words.of(question))
        nearby = _weights(connection, words.of(context))
        rarest = sorted(nearby, key=nearby.__getitem__, reverse=True)[:CONTEXT_WORDS]
        judged = weights or {word: nearby[word] for word in rarest}
        hits: tuple[Hit, ...] = ()
        # An older version answers only what the one that readers see first says nothing about.
        for is_first_seen in (True, False):
            hits = hits or _hits(connection, judged, [*weights, *rarest], is_first_seen)
    return Found({words.stem(word): weight for word, weight in judged.items()}, hits)


def _weights(connection: sqlite3.Connection, asked: Sequence[str]) -> dict[str, float]:
    (total,) = connection.execute("select count(*) from passages").fetchone()
    counts = {word: _count(connection, word) for word in asked}
    return {word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in counts.items()}


def _count(connection: sqlite3.Connection, word: str) -> int:
    query = "select count(*) from words where words match ?"
    return int(connection.execute(query, (words.match_any([word]),)).fetchone()[0])


def _hits(
    connection: sqlite3.Connection, judged: dict[str, float], searched: list[str], is_first_seen: bool
) -> tuple[Hit, ...]:
    if not searched:
        return ()
    rows = connection.execute(
        "select passages.id, version, url, passages.title, blocks from words"
        " join passages on passages.id = words.rowid where words match ? and (version = '') = ?"
        " order by bm25(words, ?, ?), passages.id limit ?",
        (words.match_any(searched), is_first_seen, TITLE_WEIGHT, TEXT_WEIGHT, CANDIDATES),
    ).fetchall()
    covered = dict.fromkeys((row[0] for row in rows), 0.0)
    for word, weight in judged.items():
        for passage_id in _holding(connection, word, list(covered)):
            covered[passage_id] += weight
    whole = sum(judged.values()) or 1.0
    hits = [Hit(index.stored(row[1:]), covered[row[0]] / whole) for row in rows]
    # A stable sort: among passages that cover the question alike, the order of bm25 stays.
    ranked = sorted(hits, key=lambda hit: round(hit.coverage, 1), reverse=True)
    return tuple(hit for hit in ranked if hit.coverage >= MIN_COVERAGE)[:MAX_PASSAGES]


def _holding(connection: sqlite3.Connection, word: str, ids: list[int]) -> list[int]:
    places = ",".join("?" * len(ids))
    query = f"select rowid from words where words match ? and rowid in ({places})"  # noqa: S608
    return [row[0] for row in connection.execute(query, (words.match_any([word]), *ids))]
