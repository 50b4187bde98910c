"""A client's dialect: how a question is read from a request's body, and how its answer is written."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.datastructures import Headers

from chat_proxy.config import Backend
from chat_proxy.gate import Caller
from chat_proxy.questions.messages import Question
from chat_proxy.streams.responses import ClientResponse, Opening


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as a client put it. `live` asks for events, which `respond` makes or does not.

    `history` has the earlier messages where the client sent them, and None where those of the kept
    conversation count. `keeps` says whether the conversation gets the question and its answer.
    """

    question: Question
    backend: Backend
    live: bool
    respond: Callable[[Opening], ClientResponse]
    history: Sequence[Mapping[str, str]] | None = None
    keeps: bool = True


class Form(Protocol):
    def read(self, caller: Caller, headers: Headers, body: Any) -> Generator[None, None, Asking]:
        """Returns the question in a parsed JSON body. Raises Problem 400, 404 and 422. Yields where the event
        loop may serve others."""
