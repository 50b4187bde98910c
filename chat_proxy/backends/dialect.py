"""A dialect: the request to one kind of backend, the proof that the proxy sends it, and the answer's
reader."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chat_proxy.config import Backend
from chat_proxy.failures import Failure
from chat_proxy.parts import Part
from chat_proxy.questions.messages import Question

Tell = Callable[[str], None]
"""Called with the reason for a failure, for the operator alone: it quotes nothing of the answer."""


class Usage(NamedTuple):
    """Tokens that a backend read and wrote for one answer, its model's thoughts included."""

    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the book that a retrieval hook found. `url` and `quote` are what a citation shows."""

    title: str
    url: str
    text: str
    quote: str


class Asked(NamedTuple):
    """A question with its material: the earlier messages as `role` and `content`, the oldest first, and the
    passages that the site's retrieval hook found for it (None: it was not asked). `thread` names the earlier
    messages at a backend that keeps them itself."""

    question: Question
    history: Sequence[Mapping[str, str]] = ()
    passages: Sequence[Passage] | None = None
    thread: str | None = None


class Request(NamedTuple):
    """The POST to a backend. `headers` prove that the proxy asks; the client adds Host and Content-Length."""

    body: bytes
    headers: dict[str, str]


class Reader(Protocol):
    """Reads one answer as its bytes come. `feed` and `close` raise Failed.

    `usage` has the tokens that the backend says it used, once it has said so; `written` counts the bytes of
    the text that its model wrote so far, shown or not.
    """

    usage: Usage | None
    written: int

    def feed(self, chunk: bytes) -> list[Part]:
        """The parts that `chunk` completes."""

    def close(self) -> list[Part]:
        """The parts that were still missing at the end of the bytes."""


class Dialect(Protocol):
    """`overhead` is how many bytes the backend may send for one byte of an answer's text, and
    `max_explanation` how many bytes of a refusal's body are read for the operator's log."""

    @property
    def overhead(self) -> int: ...

    @property
    def max_explanation(self) -> int: ...

    def request(self, backend: Backend, asked: Asked, *, live: bool, now: float) -> Request:
        """`live` asks for events. `now` is seconds since the epoch."""

    def reader(self, media_type: str, asked: Asked, tell: Tell) -> Reader | None:
        """A reader for a 200 of this media type; None where the dialect has no such answer."""

    def refusal(self, status: int, headers: Mapping[str, str]) -> Failure:
        """The failure for any other answer. Names of headers are in lower case."""

    def explanation(self, body: bytes) -> str:
        """The reason that a refusal's body names, or ""; it quotes nothing of the question."""
