"""From a question to the passages that may answer it, or to none."""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rag_backend import index, words
from rag_backend.passages import Passage

CANDIDATES: Final = 20
MAX_PASSAGES: Final = 6
MIN_COVERAGE: Final = 0.45
"""The share of the words that a question has from the book, weighed by their rarity, that a passage must
hold to be an answer."""
RARE: Final = 0.1
RARE_PASSAGES: Final = 3
"""The share and the number of passages up to which a word is rare: it says what a question is about."""
COMMON: Final = 0.5
"""The share of passages beyond which a word says nothing of a question that has unknown words too."""
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
        (total,) = connection.execute("select count(*) from passages").fetchone()
        asked = _counts(connection, words.of(question))
        weights = _weights(asked, total)
        nearby = _weights(_counts(connection, words.of(context)), total)
        rarest = sorted(nearby, key=nearby.__getitem__, reverse=True)[:CONTEXT_WORDS]
        judged = weights if asked else {word: nearby[word] for word in rarest}
        hits: tuple[Hit, ...] = ()
        if _is_of_the_book(asked, total):
            # An older version answers only what the one that readers see first says nothing about.
            for is_first_seen in (True, False):
                hits = hits or _hits(connection, judged, [*weights, *rarest], is_first_seen)
    return Found({words.stem(word): weight for word, weight in judged.items()}, hits)


def _counts(connection: sqlite3.Connection, asked: Sequence[str]) -> dict[str, int]:
    """In how many passages each word stands; 0 for one that the book does not have."""
    query = "select count(*) from words where words match ?"
    return {word: connection.execute(query, (words.match_any([word]),)).fetchone()[0] for word in asked}


def _weights(counts: Mapping[str, int], total: int) -> dict[str, float]:
    """The rarity of each word that the book has. The others are in no passage and choose between none."""
    return {
        word: math.log(1 + (total - count + 0.5) / (count + 0.5)) for word, count in counts.items() if count
    }


def _is_of_the_book(counts: Mapping[str, int], total: int) -> bool:
    """Whether the words that the book has say what the question is about.

    A reader's other words are no veto: "cost" may stand nowhere in a book that gives the price. But
    "How tall is Mount Everest?" is not about the mount of a sensor, though many passages have that word.
    """
    known = [count for count in counts.values() if count]
    if len(known) == len(counts):
        return True
    rarest = min(known, default=total + 1)
    if rarest <= min(total, max(RARE_PASSAGES, total * RARE)):
        return True
    return 2 * len(known) >= len(counts) and rarest <= total * COMMON


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
