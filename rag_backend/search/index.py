"""The index of a book: passages in one SQLite file with full-text search, replaced as a whole."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from rag_backend.book import pages as book
from rag_backend.book import sources
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError, Site
from rag_backend.book.freshness import fingerprint
from rag_backend.book.pages import Progress
from rag_backend.book.plain_text import Block
from rag_backend.search import passages, replacing, unfinished, vectors, writing
from rag_backend.search.embedding import Embedding
from rag_backend.search.passages import Passage
from rag_backend.search.vectors import Vectors

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
    makes_vectors: bool = True,
    asks_docusaurus: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Summary:
    """Index the book in `folder` (a docs folder or its site's) into the file `target`.

    `base_url` and `route` (routeBasePath) stand before the paths; without them the site's configuration is
    read. `origin`, such as https://example.org, makes citations absolute, for a chat that is shown elsewhere.
    With `embedding` passages are found by meaning too; if `makes_vectors` is false, only if the index in
    `target` has the vectors of all passages; otherwise `complete` can make those that it lacks. With
    `asks_docusaurus` the site's own Docusaurus gives the addresses, where Node and its packages are there and
    no others are given; that runs the site's configuration. Unlisted pages are left out. Raises BookError and
    leaves `target` as it was.
    """
    begun = clock()
    found = site.find(folder, base_url, route, asks_docusaurus=asks_docusaurus)
    if asks_docusaurus and found.asks:
        raise BookError(
            "Docusaurus could not load the site, whose configuration computes its baseUrl. Say it with"
            " --base-url, as /docs-site/."
        )
    # Docusaurus may have folders that a reading of the configuration, as `is_fresh` does it, does not find.
    beside = sorted(map(str, found.watched())) if found.permalinks else []
    # Taken before the reading, so that a change meanwhile makes the index stale.
    before = [_watched(folder, base_url, route), fingerprint(map(Path, beside))]
    read = _read(found, progress)
    cut = [passage for _, of_page in read.pages for passage in of_page]
    if not cut:
        raise BookError(f"{folder} has pages, but no text in them that could be asked about.")
    imported = sorted(map(str, read.imported))
    meta: dict[str, Any] = {
        "title": found.settings.title,
        "folder": str(folder.absolute()),
        "options": [base_url, route, origin],
        "beside": beside,
        "imported": imported,
        "fingerprint": [*before, fingerprint(map(Path, imported))],
    }
    with replacing.faults_told(target):
        # Before the new file is opened, which would stay if this process were killed meanwhile.
        made = _vectors(target, cut, embedding, makes_vectors, progress)
        with replacing.successor(target) as connection:
            writing.write(connection, cut, origin.rstrip("/"), meta)
            vectors.write(connection, made)
            connection.execute(f"pragma user_version = {FORMAT}")
        unfinished.forget(target)
    return Summary(
        len(read.pages),
        len(cut),
        clock() - begun,
        tuple(read.warnings),
        found.assumed,
        tuple(_described(found)),
        origin.rstrip("/") + read.pages[0][1][0].page if read.pages[0][1] else cut[0].page,
    )


def complete(target: Path, embedding: Embedding, progress: Progress | None = None) -> None:
    """Make the vectors that the index lacks, then replace it by one that has them and is as it was otherwise.

    Those made until it is interrupted are kept for the next time. Raises BookError, also if `target` has been
    replaced meanwhile, and IndexUnavailable.
    """
    before = replacing.identity(target)
    # The earlier file stays open, so that no other can be mistaken for it.
    with opened(target) as earlier, replacing.faults_told(target):
        rows = earlier.execute("select version, url, title, language, blocks from passages order by id")
        made = vectors.make(list(map(stored, rows)), embedding, target, progress)
        try:
            with replacing.successor(target, before) as connection:
                earlier.backup(connection)
                vectors.write(connection, made)
        except replacing.Replaced:
            if has_vectors(target, embedding):
                unfinished.forget(target)
            raise
        unfinished.forget(target)


def is_fresh(path: Path, folder: Path) -> bool:
    """Return True if the index was made of the book in `folder` as it is now. Raises IndexUnavailable."""
    with opened(path) as connection:
        meta = meta_of(connection)
    if meta["folder"] != str(folder.absolute()):
        return False
    base_url, route, _ = meta["options"]
    others = [fingerprint(map(Path, meta[name])) for name in ("beside", "imported") if name in meta]
    return bool(meta["fingerprint"] == [_watched(folder, base_url, route), *others])


def _watched(folder: Path, base_url: str | None, route: str | None) -> str | None:
    """The fingerprint of a book's files as its configuration names them; None where that cannot be read."""
    try:
        return fingerprint(site.find(folder, base_url, route).watched())
    except BookError:
        return None


def has_vectors(path: Path, embedding: Embedding) -> bool:
    """Return True if the index has the vectors of all its passages, and this model's. Raises
    IndexUnavailable."""
    with opened(path) as connection:
        return bool(meta_of(connection)["embedding"] == embedding.name)


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
        if any(True for suffix in sources.SUFFIXES for _ in folder.glob(f"**/*{suffix}")):
            yield f"{folder} is not read: the index has the docs alone."


def _vectors(
    target: Path,
    found: Sequence[Passage],
    embedding: Embedding | None,
    makes_vectors: bool,
    progress: Progress | None,
) -> Vectors:
    if embedding is None:
        return Vectors()
    if not makes_vectors:
        return vectors.keep(found, embedding, target)
    return vectors.make(found, embedding, target, progress)
