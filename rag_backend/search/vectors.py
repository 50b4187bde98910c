"""The vectors of an index: written beside its passages, and compared with a question's.

numpy comes with the extra `chatgate[embeddings]`; without it an index has no vectors that could be read.
"""

import array
import hashlib
import importlib
import importlib.util
import math
import sqlite3
import statistics
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson

from rag_backend.search.embedding import BATCH, MAX_TEXT, Embedding, EmbeddingFailed
from rag_backend.search.passages import Passage

_SCALE: Final = 127

Progress = Callable[[int, int], None]


def write(
    connection: sqlite3.Connection,
    passages: Sequence[Passage],
    model: Embedding,
    known: dict[bytes, bytes],
    progress: Progress | None = None,
) -> None:
    """Fill the table, and note how near a passage is by chance.

    `known` has the vectors of an earlier index by their digests, which are not made again. Raises
    EmbeddingFailed.
    """
    texts = [_text(passage) for passage in passages]
    digests = [hashlib.sha256(f"{model.name}\0{text}".encode()).digest() for text in texts]
    named = dict(zip(digests, texts, strict=True))
    missing = [(digest, text) for digest, text in named.items() if digest not in known]
    for begin in range(0, len(missing), BATCH):
        batch = missing[begin : begin + BATCH]
        made = model.passages([text for _, text in batch])
        known.update((digest, _packed(vector)) for (digest, _), vector in zip(batch, made, strict=True))
        if progress is not None:
            progress(begin + len(batch), len(missing))
    rows = ((number, digest, known[digest]) for number, digest in enumerate(digests, 1))
    connection.executemany("insert into vectors values (?, ?, ?)", rows)
    if can_be_read():
        by_chance = orjson.dumps(_by_chance(connection, model)).decode()
        connection.execute("insert into meta values ('by_chance', ?)", (by_chance,))


def known(path: Path) -> dict[bytes, bytes]:
    """The vectors of an index by their digests; none where there is no readable index."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return dict(connection.execute("select digest, vector from vectors"))
    except sqlite3.Error:
        return {}


def can_be_read() -> bool:
    return importlib.util.find_spec("numpy") is not None


def near(
    connection: sqlite3.Connection, path: Path, question: Sequence[float], limit: int
) -> dict[int, float]:
    """The ids of the passages whose vectors are nearest to a question's, with their cosines, the nearest
    first."""
    numpy = importlib.import_module("numpy")
    matrix = _cache.of(connection, path, numpy)
    if not len(matrix) or matrix.shape[1] != len(question):
        return {}
    similar = matrix @ _unit(question, numpy)
    best = numpy.argsort(-similar)[:limit]
    return {int(at) + 1: float(similar[at]) for at in best}


def _by_chance(connection: sqlite3.Connection, model: Embedding) -> tuple[float, float]:
    """The cosine of the nearest passage to a question about something else: its mean and its standard
    deviation, over the questions of `general_questions.txt`. Raises EmbeddingFailed.

    They differ from model to model, and grow with the book.
    """
    numpy = importlib.import_module("numpy")
    matrix = _matrix(connection, numpy)
    asked = [model.question(one) for one in _general_questions()]
    if any(len(vector) != matrix.shape[1] for vector in asked):
        raise EmbeddingFailed("the vector of a question is of another length than those of passages")
    nearest = [float((matrix @ _unit(vector, numpy)).max()) for vector in asked]
    return statistics.fmean(nearest), statistics.stdev(nearest)


def _general_questions() -> list[str]:
    lines = Path(__file__).with_name("general_questions.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _matrix(connection: sqlite3.Connection, numpy: Any) -> Any:
    """The vectors of an index in their order, each of length 1."""
    rows = connection.execute("select vector from vectors order by id").fetchall()
    numbers = numpy.frombuffer(b"".join(row[0] for row in rows), dtype=numpy.int8)
    matrix = numbers.reshape(len(rows), -1).astype(numpy.float32)
    lengths = numpy.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / numpy.where(lengths == 0, 1, lengths)


def _unit(vector: Sequence[float], numpy: Any) -> Any:
    asked = numpy.asarray(vector, dtype=numpy.float32)
    return asked / (numpy.linalg.norm(asked) or 1.0)


class _Cache:
    """The matrix of the index that was asked last: reading 25,000 vectors takes 30 ms."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Any = None
        self._matrix: Any = None

    def of(self, connection: sqlite3.Connection, path: Path, numpy: Any) -> Any:
        stat = path.stat()
        key = (str(path), stat.st_ino, stat.st_mtime_ns)
        with self._lock:
            if key != self._key:
                self._matrix = _matrix(connection, numpy)
                self._key = key
            return self._matrix


_cache: Final = _Cache()


def _text(passage: Passage) -> str:
    return f"{passage.title}\n{passage.searched}"[:MAX_TEXT]


def _packed(vector: Sequence[float]) -> bytes:
    """A vector in whole numbers of one byte, scaled to its largest: a quarter of the size, and 0.4 % off."""
    largest = max(map(abs, vector)) or 1.0
    if not math.isfinite(largest):
        largest = 1.0
    return array.array("b", (round(number / largest * _SCALE) for number in vector)).tobytes()
