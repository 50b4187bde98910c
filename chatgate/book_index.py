"""Keeping the index of a book as new as the book."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chatgate.faults import Fault
from rag_backend.book import Progress
from rag_backend.index import IndexUnavailable, Summary, build, opened
from rag_backend.site import BookError

SAMPLE_QUESTION: Final = "How often should I calibrate the sensor?"
"""One that the sample book answers."""
_NOT_THE_BOOK: Final = frozenset({"node_modules", "build", ".docusaurus", ".git"})


def sample_book(folder: Path) -> Path:
    """The book of a clone, seen from the working folder or from this package. Raises Fault."""
    candidates = [root / "examples" / "book" for root in (folder, Path(__file__).parent.parent)]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise Fault("There is no sample book here, as this is no clone. Name a folder of pages with --book DIR.")


def is_stale(book: Path, index: Path) -> bool:
    """Whether the index is missing, unreadable, of another book, or older than anything in this one."""
    try:
        with opened(index):
            pass
        made = index.stat().st_mtime
        if _source(index).read_text(encoding="utf-8") != str(book.absolute()):
            return True
    except (IndexUnavailable, OSError):
        return True
    return any(at >= made for at in _times(book))


def index_book(
    book: Path,
    index: Path,
    *,
    base_url: str | None = None,
    route: str | None = None,
    origin: str = "",
    progress: Progress | None = None,
) -> Summary:
    """As `rag_backend.index.build`. Raises Fault; the index that was there is then still there."""
    try:
        summary = build(book, index, base_url=base_url, route=route, origin=origin, progress=progress)
        _source(index).write_text(str(book.absolute()), encoding="utf-8")
    except BookError as error:
        raise Fault(str(error)) from None
    return summary


def _source(index: Path) -> Path:
    return index.with_name(f"{index.name}.source")


def _times(book: Path) -> Iterator[float]:
    # Folders as well: their time changes when a page is taken away.
    for folder, folders, files in os.walk(book):
        folders[:] = [name for name in folders if name not in _NOT_THE_BOOK]
        yield Path(folder).stat().st_mtime
        yield from (Path(folder, name).lstat().st_mtime for name in files)
