"""The parts of an answer, in their order: waiting for a model, texts, citations."""

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


Part = Waiting | Delta | Citation
