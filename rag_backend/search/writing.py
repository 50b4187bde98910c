"""Writing the tables of an index: passages, their words, the vocabulary."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from rag_backend.search import names
from rag_backend.search.language import compounds, languages, words
from rag_backend.search.passages import Passage

MIN_SPELT: Final = 4
"""Letters of a word whose spelling can be corrected, or that may be part of another word."""

# The columns of `words` hold stems, which FTS5 only has to part at spaces.
_SCHEMA: Final = """
create table passages (id integer primary key, version text not null, url text not null,
    title text not null, language text not null, blocks text not null);
create virtual table words using fts5(page, heading, text, content='', columnsize=1,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* Co S* Pc Pd'");
create virtual table stems using fts5vocab(words, 'row');
create virtual table spellings using fts5(word, passages unindexed, tokenize='trigram');
create table vocabulary (word text primary key, passages integer not null) without rowid;
create table meta (name text primary key, value text not null);
create table vectors (id integer primary key, digest blob not null, vector blob not null);
"""
_INSERT: Final = "insert into words (rowid, page, heading, text) values (?, ?, ?, ?)"
_LETTERS: Final = re.compile(r"[^\W\d_]+")


def write(
    connection: sqlite3.Connection, found: Sequence[Passage], origin: str, meta: dict[str, Any]
) -> None:
    """Fill an empty database. Raises sqlite3.Error."""
    connection.executescript(_SCHEMA)
    known: Counter[str] = Counter()
    spoken: Counter[str] = Counter()
    compounding: list[tuple[int, Passage]] = []
    for number, passage in enumerate(found, 1):
        spoken[passage.language] += 1
        known.update(_vocabulary(passage))
        row = (
            number,
            passage.version,
            origin + passage.url,
            passage.title,
            passage.language,
            _blocks(passage),
        )
        connection.execute("insert into passages values (?, ?, ?, ?, ?, ?)", row)
        if passage.language in languages.COMPOUNDING:
            # Its words are cut at the words of the whole book, which are not known yet.
            compounding.append((number, passage))
        else:
            connection.execute(_INSERT, (number, *_fields(passage)))
    connection.executemany(_INSERT, ((number, *_with_parts(one, known)) for number, one in compounding))
    connection.execute("insert into words (words) values ('optimize')")
    connection.executemany("insert into vocabulary values (?, ?)", sorted(known.items()))
    spelt = [pair for pair in known.items() if len(pair[0]) >= MIN_SPELT and _LETTERS.fullmatch(pair[0])]
    connection.executemany("insert into spellings (word, passages) values (?, ?)", sorted(spelt))
    total, first_seen = connection.execute("select count(*), sum(version = '') from passages").fetchone()
    (count,) = connection.execute("select sum(cnt) from stems").fetchone()
    # The passages of the version that readers see first are the first ones.
    meta = {**meta, "passages": total, "first_seen": first_seen or 0, "words": count or 0}
    meta["names"] = names.of(found, meta["title"], known)
    meta["languages"] = [language for language, _ in spoken.most_common()]
    connection.executemany(
        "insert into meta values (?, ?)",
        ((name, orjson.dumps(value).decode()) for name, value in meta.items()),
    )


def _texts(passage: Passage) -> tuple[str, str, str]:
    page, heading = passage.headings
    return page, heading, passage.searched


def _fields(passage: Passage) -> Iterator[str]:
    return (" ".join(words.tokens(text, passage.language)) for text in _texts(passage))


def _with_parts(passage: Passage, known: Counter[str]) -> Iterator[str]:
    """The fields of a passage whose compound words count as their parts too."""
    for text in _texts(passage):
        parts = (
            token
            for word in words.folded(text)
            for part in compounds.split(word, known.__contains__)
            for token in words.stemmed(part, passage.language)
        )
        yield " ".join([*words.tokens(text, passage.language), *parts])


def _vocabulary(passage: Passage) -> set[str]:
    text = f"{passage.title}\n{passage.searched}"
    return {word for word in set(words.folded(text)) if not words.is_unspaced(word)}


def _blocks(passage: Passage) -> str:
    return orjson.dumps([(b.kind, b.text, b.label) for b in passage.blocks]).decode()
