"""A fingerprint of the files of a book, by which a change of any of them is seen."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rag_backend.book.sources import NO_DOCS, SUFFIXES


def fingerprint(paths: Iterable[Path]) -> str:
    """A digest of the names, sizes and times of files, and of the documents below folders.

    A file that replaces another with an older time changes it too, and so does a missing one.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in _documents(path) if path.is_dir() else [path]:
            digest.update(f"{file}\0{_state(file)}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _documents(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NO_DOCS)
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(SUFFIXES))


def _state(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"
