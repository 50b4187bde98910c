"""The index of a book: passages in one SQLite file with full-text search, replaced as a whole."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from rag_backend import book, passages, site
from rag_backend.book import Progress
from rag_backend.passages import Passage
from rag_backend.plain_text import Block
from rag_backend.site import BookError

FORMAT: Final = 2
"""Kept in SQLite's user_version; an index of another format is built again, not converted."""

_SCHEMA: Final = """
create table passages (id integer primary key, version text not null, url text not null,
    title text not null, text text not null, blocks text not null);
create virtual table words using fts5(title, text, content='passages', content_rowid='id',
    tokenize='porter unicode61 remove_diacritics 2');
"""


class IndexUnavailable(Exception):
    """There is no index that can be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a build did; `seconds` from reading the first file to the index in its place."""

    pages: int
    passages: int
    seconds: float


def build(
    folder: Path,
    target: Path,
    *,
    base_url: str | None = None,
    route: str | None = None,
    origin: str = "",
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Summary:
    """Index the book in `folder` (a docs folder or its site's) into the file `target`.

    `base_url` and `route` (routeBasePath) stand before the paths; without them the site's
    configuration is read. `origin`, such as https://example.org, makes citations absolute, for a chat
    that is shown elsewhere. Unlisted pages are left out. Raises BookError and leaves `target` as it was.
    """
    begun = clock()
    pages = [p for p in book.read(site.find(folder, base_url, route), progress) if p.listed]
    found = [passage for page in pages for passage in passages.cut(page)]
    if not found:
        raise BookError(f"{folder} has pages, but no text in them that could be asked about.")
    _replace(target, found, origin.rstrip("/"))
    return Summary(len(pages), len(found), clock() - begun)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the index as it is now. Raises IndexUnavailable.

    Opened for each question (0.1 ms), so that a rebuilt file is picked up and an old one let go.
    """
    if not path.is_file():
        raise IndexUnavailable("There is no index of the book yet. Build it with `chatgate index FOLDER`.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("pragma user_version").fetchone() != (FORMAT,):
                raise IndexUnavailable(
                    "The index is of another format. Build it again with `chatgate index FOLDER`."
                )
            yield connection
    except sqlite3.Error:
        raise IndexUnavailable(
            "The index cannot be read. Build it again with `chatgate index FOLDER`."
        ) from None


def stored(row: tuple[str, str, str, str]) -> Passage:
    """A passage from its columns version, url, title and blocks."""
    version, url, title, blocks = row
    return Passage(version, url, title, tuple(Block(*block) for block in orjson.loads(blocks)))


def _replace(target: Path, found: Iterable[Passage], origin: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside its target, because only within one file system is a rename atomic.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        try:
            _write(name, found, origin)
            # The book is public, and the backend may run as another user than the one who indexes.
            Path(name).chmod(0o644)
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise BookError(
            f"The index {target} cannot be written: {error}. Make room or choose another file."
        ) from None


def _write(name: str, found: Iterable[Passage], origin: str) -> None:
    with closing(sqlite3.connect(name)) as connection, connection:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "insert into passages (version, url, title, text, blocks) values (?, ?, ?, ?, ?)",
            ((p.version, origin + p.url, p.title, p.text, _blocks(p)) for p in found),
        )
        connection.execute("insert into words (words) values ('rebuild')")
        connection.execute("insert into words (words) values ('optimize')")
        connection.execute(f"pragma user_version = {FORMAT}")


def _blocks(passage: Passage) -> str:
    return orjson.dumps([(b.kind, b.text, b.label) for b in passage.blocks]).decode()
