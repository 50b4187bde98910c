"""Replacing the file of an index as a whole, while others read it."""

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from rag_backend.book.docusaurus.site import BookError
from rag_backend.search.embedding import EmbeddingFailed

Identity = tuple[int, int] | None
"""The identity of a file, which tells it from another at the same path; None if there is no file."""
ABANDONED_AFTER: Final = 3600.0
"""Seconds. A large book's file is written in some ten."""


class Replaced(BookError):
    """Another file has taken the place of the one that was to be replaced."""


def identity(path: Path) -> Identity:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


@contextmanager
def successor(target: Path, *instead_of: Identity) -> Iterator[sqlite3.Connection]:
    """A connection to an empty file, which takes the place of `target` at the end of the block, unless that
    raises. Raises Replaced if `instead_of` is given and `target` is another file by then."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the target's folder, because a rename is atomic only within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        _remove_abandoned(target, Path(name))
        with closing(sqlite3.connect(name)) as connection, connection:
            yield connection
        # The book is public, and the backend may run as another user than `chatgate index`.
        Path(name).chmod(0o644)
        # Checked at this moment, as a large book's file takes seconds to reach the disk.
        if instead_of and identity(target) not in instead_of:
            raise Replaced(f"Another index has taken the place of {target} meanwhile, and is kept.")
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _remove_abandoned(target: Path, new: Path) -> None:
    """Remove the files of processes that were killed while they wrote, as `chatgate up` kills the one that
    makes vectors."""
    written = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}(-journal)?")
    # The file system's own time, which another machine may keep.
    before = new.stat().st_mtime - ABANDONED_AFTER
    for path in target.parent.iterdir():
        # Another process may remove it at the same time, or the file may belong to another user.
        with suppress(OSError):
            if written.fullmatch(path.name) and path.stat().st_mtime < before:
                path.unlink()


@contextmanager
def faults_told(target: Path) -> Iterator[None]:
    """Raises BookError for a model that fails and a file that cannot be written."""
    try:
        yield
    except EmbeddingFailed as error:
        raise BookError(
            f"The embedding model failed: {error}. Mend its address, or index without it."
        ) from None
    except (OSError, sqlite3.Error) as error:
        raise BookError(
            f"The index {target} cannot be written: {error}. Make room or choose another file."
        ) from None
