"""The index of a book: passages in one SQLite file with full-text search, replaced as a whole."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from rag_backend.book import pages as book
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError, Site
from rag_backend.book.freshness import fingerprint
from rag_backend.book.pages import Progress
from rag_backend.book.plain_text import Block
from rag_backend.search import passages, vectors, writing
from rag_backend.search.embedding import Embedding, EmbeddingFailed
from rag_backend.search.passages import Passage

FORMAT: Final = 7
"""Kept in SQLite's user_version; an index of another format is built again, not converted."""


class IndexUnavailable(Exception):
    """No index can be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a build; `seconds` from reading the first file to replacing the index.

    `read` names the folders that were read, with their addresses; `assumed` what the configuration did not
    say; `warnings` the parts of the book that the index lacks, and how to correct them.
    """

    pages: int
    passages: int
    seconds: float
    warnings: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    first_page: str = ""


@dataclass(frozen=True, slots=True)
class _Book:
    """A book as read: its passages page by page, the imported files, the warnings."""

    pages: list[tuple[Any, list[Passage]]]
    imported: dict[Path, None]
    warnings: list[str]


def build(
    folder: Path,
    target: Path,
    *,
    base_url: str | None = None,
    route: str | None = None,
    origin: str = "",
    embedding: Embedding | None = None,
    asks_docusaurus: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Summary:
    """Index the book in `folder` (a docs folder or its site's) into the file `target`.

    `base_url` and `route` (routeBasePath) stand before the paths; without them the site's
    configuration is read. `origin`, such as https://example.org, makes citations absolute, for a chat
    that is shown elsewhere. With `embedding` passages are found by meaning too. With
    `asks_docusaurus` the site's own Docusaurus gives the addresses, where Node and its packages are there and
    no others are given; that runs the site's configuration. Unlisted pages are left out.
    Raises BookError and leaves `target` as it was.
    """
    begun = clock()
    found = site.find(folder, base_url, route)
    if asks_docusaurus and base_url is None and route is None:
        found = site.as_loaded(found)
    before = fingerprint(found.watched())
    read = _read(found, progress)
    cut = [passage for _, of_page in read.pages for passage in of_page]
    if not cut:
        raise BookError(f"{folder} has pages, but no text in them that could be asked about.")
    imported = sorted(map(str, read.imported))
    meta: dict[str, Any] = {
        "title": found.settings.title,
        "folder": str(folder.absolute()),
        "options": [base_url, route, origin],
        "imported": imported,
    }
    # Taken before the reading, so that a change meanwhile makes the index stale.
    meta["fingerprint"] = [before, fingerprint(map(Path, imported))]
    meta["embedding"] = embedding.name if embedding is not None else None
    _replace(target, cut, origin.rstrip("/"), meta, embedding, progress)
    return Summary(
        len(read.pages),
        len(cut),
        clock() - begun,
        tuple(read.warnings),
        found.assumed,
        tuple(_described(found)),
        origin.rstrip("/") + read.pages[0][1][0].page if read.pages[0][1] else cut[0].page,
    )


def is_fresh(path: Path, folder: Path, embedding: Embedding | None = None) -> bool:
    """Return True if the index was made of the book in `folder` as it is now, and with this model. Raises
    IndexUnavailable."""
    with opened(path) as connection:
        meta = meta_of(connection)
    if meta["folder"] != str(folder.absolute()) or meta["embedding"] != (embedding and embedding.name):
        return False
    base_url, route, _ = meta["options"]
    try:
        watched = fingerprint(site.find(folder, base_url, route).watched())
    except BookError:
        return False
    return bool(meta["fingerprint"] == [watched, fingerprint(map(Path, meta["imported"]))])


def meta_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the description that the index has of itself."""
    return {name: orjson.loads(value) for name, value in connection.execute("select name, value from meta")}


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


def stored(row: tuple[str, str, str, str, str]) -> Passage:
    """A passage from its columns version, url, title, language and blocks."""
    version, url, title, language, blocks = row
    return Passage(version, url, title, tuple(Block(*block) for block in orjson.loads(blocks)), language)


def _read(found: Site, progress: Progress | None) -> _Book:
    read = _Book([], {}, [])
    for page in book.each(found, progress, read.warnings.append):
        if not page.listed:
            read.warnings.append(f"{page.source} is unlisted, and left out.")
            continue
        # Cut at once: the tokens of a whole book would take a gigabyte.
        read.pages.append((page.place, list(passages.cut(page))))
        read.imported.update(dict.fromkeys(page.imported))
    read.pages.sort(key=lambda page: page[0])
    read.warnings.extend(_not_read(found))
    return read


def _described(found: Site) -> Iterator[str]:
    if found.config is not None:
        yield f"{found.config}{', with its own Docusaurus' if found.permalinks else ''}"
    for version in found.versions:
        if not version.only_translated:
            yield f"{version.folder} as {version.root}"
        elif version.translated is not None:
            yield f"{version.translated} as {version.root}"


def _not_read(found: Site) -> Iterator[str]:
    """Pages of the site that are no docs."""
    for name in ("blog", "src/pages"):
        folder = found.folder / name
        if any(True for suffix in book.SUFFIXES for _ in folder.glob(f"**/*{suffix}")):
            yield f"{folder} is not read: the index has the docs alone."


def _replace(
    target: Path,
    found: Sequence[Passage],
    origin: str,
    meta: dict[str, Any],
    embedding: Embedding | None,
    progress: Progress | None,
) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the target's folder, because a rename is atomic only within one file system.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        try:
            with closing(sqlite3.connect(name)) as connection, connection:
                writing.write(connection, found, origin, meta)
                if embedding is not None:
                    vectors.write(connection, found, embedding, vectors.known(target), progress)
                connection.execute(f"pragma user_version = {FORMAT}")
            # The book is public, and the backend may run as another user than `chatgate index`.
            Path(name).chmod(0o644)
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
    except EmbeddingFailed as error:
        raise BookError(
            f"The embedding model failed: {error}. Mend its address, or index without it."
        ) from None
    except (OSError, sqlite3.Error) as error:
        raise BookError(
            f"The index {target} cannot be written: {error}. Make room or choose another file."
        ) from None
