"""The parts of an answer, in their order: waiting for a model, texts, citations, the tokens used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """`url` is the passage's path with its anchor; `quote` occurs in the passage literally."""

    title: str
    url: str
    quote: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The model is being asked, and may think for a minute before its first word."""


@dataclass(frozen=True, slots=True)
class Used:
    """The tokens that a model read and wrote, its thoughts included. No quotation has this part."""

    input_tokens: int
    output_tokens: int


Part = Waiting | Delta | Citation | Used
