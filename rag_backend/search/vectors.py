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
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from rag_backend.search import unfinished
from rag_backend.search.embedding import BATCH, MAX_TEXT, Embedding, EmbeddingFailed
from rag_backend.search.passages import Passage

_SCALE: Final = 127

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of an index: the digests of its passages in their order, and the vectors by digest.

    `described` is the index's description of them. It is empty while passages lack theirs, because a search
    must not compare only a part of the book.
    """

    digests: Sequence[bytes] = ()
    by_digest: Mapping[bytes, bytes] = field(default_factory=dict)
    described: Mapping[str, Any] = field(default_factory=dict)


def make(
    passages: Sequence[Passage], model: Embedding, path: Path, progress: Progress | None = None
) -> Vectors:
    """The vectors of all passages. Those that the index at `path` has, or that an earlier try left beside it,
    are not made again. Raises EmbeddingFailed, and OSError if those made so far cannot be kept."""
    digests, texts = _named(passages, model)
    have = known(path)
    missing = [digest for digest in texts if digest not in have]
    if progress is not None and missing:
        progress(0, len(missing))
    done = 0
    while batch := missing[done : done + BATCH]:
        made = model.passages([texts[digest] for digest in batch])
        packed = {digest: _packed(vector) for digest, vector in zip(batch, made, strict=True)}
        unfinished.add(path, packed)
        have |= packed
        if not done:
            # A server may have another model by now under the same name.
            length = len(have[batch[0]])
            missing += [digest for digest in texts if digest in have and len(have[digest]) != length]
        done += len(batch)
        if progress is not None:
            progress(done, len(missing))
    by_digest = {digest: have[digest] for digest in texts}
    described: dict[str, Any] = {"embedding": model.name}
    if can_be_read():
        described["by_chance"] = _by_chance(by_digest.values(), model)
    return Vectors(digests, by_digest, described)


def keep(passages: Sequence[Passage], model: Embedding, path: Path) -> Vectors:
    """The vectors that are known of the passages. The model is not asked: loading it takes a second, and a
    remote one may not answer."""
    digests, texts = _named(passages, model)
    have = known(path)
    by_digest = {digest: have[digest] for digest in texts if digest in have}
    return Vectors(digests, by_digest, _described_already(path, model, texts.keys()))


def write(connection: sqlite3.Connection, made: Vectors) -> None:
    """Put them in the place of those that the index has."""
    rows = (
        (number, digest, made.by_digest[digest])
        for number, digest in enumerate(made.digests, 1)
        if digest in made.by_digest
    )
    described = {"embedding": None, "by_chance": None, **made.described}
    connection.execute("delete from vectors")
    connection.executemany("insert into vectors values (?, ?, ?)", rows)
    connection.executemany(
        "insert or replace into meta values (?, ?)",
        ((name, orjson.dumps(value).decode()) for name, value in described.items()),
    )


def known(path: Path) -> dict[bytes, bytes]:
    """The vectors of an index, and those that are kept for it, by their digests; none where nothing can be
    read."""
    try:
        with _read_only(path) as connection:
            found = dict(connection.execute("select digest, vector from vectors"))
    except sqlite3.Error:
        found = {}
    return found | unfinished.read(path)


def _described_already(path: Path, model: Embedding, digests: Set[bytes]) -> dict[str, Any]:
    """The description that the index at `path` has of its vectors, if they are this model's and of exactly
    these passages."""
    try:
        with _read_only(path) as connection:
            rows = connection.execute("select name, value from meta where name in ('embedding', 'by_chance')")
            described = {name: orjson.loads(value) for name, value in rows}
            held = {digest for (digest,) in connection.execute("select digest from vectors")}
    except sqlite3.Error:
        return {}
    return described if described.get("embedding") == model.name and held == digests else {}


def _read_only(path: Path) -> AbstractContextManager[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))


def _named(passages: Sequence[Passage], model: Embedding) -> tuple[list[bytes], dict[bytes, str]]:
    """The digests of the passages in their order, and each text once by its digest."""
    texts = [_text(passage) for passage in passages]
    digests = [hashlib.sha256(f"{model.name}\0{text}".encode()).digest() for text in texts]
    return digests, dict(zip(digests, texts, strict=True))


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


def _by_chance(packed: Collection[bytes], model: Embedding) -> tuple[float, float]:
    """The cosine of the nearest passage to a question about something else: its mean and its standard
    deviation, over the questions of `general_questions.txt`. Raises EmbeddingFailed.

    They differ from model to model, and grow with the book.
    """
    numpy = importlib.import_module("numpy")
    matrix = _matrix(packed, numpy)
    asked = [model.question(one) for one in _general_questions()]
    if any(len(vector) != matrix.shape[1] for vector in asked):
        raise EmbeddingFailed("the vector of a question is of another length than those of passages")
    nearest = [float((matrix @ _unit(vector, numpy)).max()) for vector in asked]
    return statistics.fmean(nearest), statistics.stdev(nearest)


def _general_questions() -> list[str]:
    lines = Path(__file__).with_name("general_questions.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _matrix(packed: Collection[bytes], numpy: Any) -> Any:
    """The vectors in their order, each of length 1."""
    numbers = numpy.frombuffer(b"".join(packed), dtype=numpy.int8)
    matrix = numbers.reshape(len(packed), -1).astype(numpy.float32)
    lengths = numpy.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / numpy.where(lengths == 0, 1, lengths)


def _unit(vector: Sequence[float], numpy: Any) -> Any:
    asked = numpy.asarray(vector, dtype=numpy.float32)
    return asked / (numpy.linalg.norm(asked) or 1.0)


_VERSION: Final = """select value from meta where name in
    ('folder', 'fingerprint', 'options', 'embedding', 'by_chance') order by name"""
"""Tells the vectors of one index from those of any other at its path."""


class _Cache:
    """The matrix of the index that was searched last: reading 25,000 vectors takes 30 ms."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Any = None
        self._matrix: Any = None

    def of(self, connection: sqlite3.Connection, path: Path, numpy: Any) -> Any:
        # The key describes the index of the connection, not the file: another index may have taken its place
        # while the question's vector was made, and would be searched by these vectors from then on.
        key = (str(path), connection.execute(_VERSION).fetchall())
        with self._lock:
            if key != self._key:
                rows = connection.execute("select vector from vectors order by id").fetchall()
                self._matrix = _matrix([vector for (vector,) in rows], numpy)
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
