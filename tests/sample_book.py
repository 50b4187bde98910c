"""The index of the sample book, found by words alone."""

import tempfile
from functools import cache
from pathlib import Path

from rag_backend.search import index
from tests.rag_backend.books import SAMPLE


@cache
def indexed() -> bytes:
    """The bytes of the file that `chatgate index` writes, made once by each process of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "book.db"
        index.build(SAMPLE, made)
        return made.read_bytes()
