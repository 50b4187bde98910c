"""The parts of an answer, in the order in which they come: texts, citations, and its end."""

from dataclasses import dataclass
from typing import Final, Literal

from chat_proxy.failures import Failure


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    title: str
    url: str
    quote: str


Finish = Literal["stop", "length", "content_filter"]
"""Why an answer ended: by itself, at the length that it may have, or because the model's provider held the
rest back."""


@dataclass(frozen=True, slots=True)
class Done:
    """The answer's end."""

    finish: Finish = "stop"


Part = Delta | Citation | Done | Failure
ENDS: Final = (Done, Failure)
"""One of these is the last part of an answer."""
DONE: Final = Done()
