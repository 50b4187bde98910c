"""From a question to the parts of its answer: by a language model, or by quoting the book."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from rag_backend import extract, llm, prompts, words
from rag_backend.llm import Model
from rag_backend.marks import Marks
from rag_backend.passages import SEPARATOR, Passage
from rag_backend.questions import Question
from rag_backend.search import Found, search

MAX_QUOTED: Final = 3
"""Passages in an answer without a model; a fourth seldom adds what the first three lack."""
NEAR_BEST: Final = 0.75
"""The part of the best passage's coverage that another one must have to be quoted beside it."""
MIN_SUPPORT: Final = 0.5
MIN_SHARED: Final = 4
"""The share and the number of an answer's words that a passage must hold to be its unnamed source."""

NOTHING_FOUND: Final = "The book does not answer this, as far as its search can tell."
QUOTED: Final = "This is quoted from the book as it stands; no language model is set up here."
NOT_IN_SELECTION: Final = "The selected text does not answer this."
QUOTED_SELECTION: Final = "This is quoted from the selected text; no language model is set up here."
BEGINNING: Final = "The selected text begins:"


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """`url` is the passage's path with its anchor; `quote` occurs in the passage as it is here."""

    title: str
    url: str
    quote: str


Part = Delta | Citation


@dataclass(frozen=True, slots=True)
class _Quoted:
    passage: Passage
    text: str
    quote: str
    score: float

    def citation(self) -> Citation:
        return Citation(self.passage.title, self.passage.url, self.quote)


@dataclass(frozen=True, slots=True)
class Sources:
    """What answers are made from. Without a `model` they are quotations."""

    index: Path
    model: Model | None
    http: aiohttp.ClientSession


def answer(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    """The answer's texts, then its citations. Raises IndexUnavailable or ModelFailed, mostly at first."""
    if question.only_selection:
        return _from_selection(question, sources)
    return _from_book(question, sources)


async def _from_selection(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    if sources.model is None:
        yield Delta(quote_selection(question))
        return
    pieces = llm.complete(sources.http, sources.model, prompts.about_selection(question))
    async with aclosing(pieces):
        async for piece in pieces:
            yield Delta(piece)


async def _from_book(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    found = await asyncio.to_thread(search, sources.index, question.message, question.selected_text)
    if not found.hits and not (sources.model and question.selected_text):
        yield Delta(NOTHING_FOUND)
    elif sources.model is None:
        for part in quote_book(found):
            yield part
    else:
        async with aclosing(_by_model(question, found, sources.http, sources.model)) as parts:
            async for part in parts:
                yield part


async def _by_model(
    question: Question, found: Found, http: aiohttp.ClientSession, model: Model
) -> AsyncGenerator[Part, None]:
    passages = [hit.passage for hit in found.hits]
    marks = Marks()
    said: list[str] = []
    async with aclosing(llm.complete(http, model, prompts.about_book(question, passages))) as pieces:
        async for piece in pieces:
            text = marks.feed(piece)
            if text:
                said.append(text)
                yield Delta(text)
    rest = marks.rest()
    if rest:
        said.append(rest)
        yield Delta(rest)
    for citation in _named(passages, marks.numbers, "".join(said)):
        yield citation


def _named(passages: Sequence[Passage], numbers: Sequence[int], said: str) -> list[Citation]:
    """The passages that a model names, each with the sentence nearest to what it said.

    When it names none, the best passage whose words it mostly used: small models forget to name, and a
    refusal uses no passage's words.
    """
    asked = {words.stem(word): 1.0 for word in words.of(said)}
    if numbers:
        chosen = [passages[number - 1] for number in numbers if 0 < number <= len(passages)]
    else:
        chosen = [passage for passage in passages if _supports(passage, asked)][:1]
    quoted = [(passage, extract.best(passage.blocks, asked)) for passage in chosen]
    return [Citation(passage.title, passage.url, best.quote) for passage, best in quoted if best]


def _supports(passage: Passage, said: dict[str, float]) -> bool:
    shared = len(words.stems(passage.text) & said.keys())
    return shared >= max(MIN_SHARED, MIN_SUPPORT * len(said))


def quote_book(found: Found) -> list[Part]:
    """The best extracts among the passages that cover the question nearly as well as the best one."""
    enough = found.hits[0].coverage * NEAR_BEST
    scored = [_extract(hit.passage, found.weights) for hit in found.hits if hit.coverage >= enough]
    # Ranked anew: one passage holds the words here and there, another says them in one sentence.
    scored.sort(key=lambda extracted: extracted.score, reverse=True)
    near = [quoted for quoted in scored[:MAX_QUOTED] if quoted.score >= scored[0].score * NEAR_BEST]
    texts: list[Part] = [Delta(f"{quoted.passage.title}:\n\n{quoted.text}\n\n") for quoted in near]
    return [*texts, Delta(QUOTED), *(quoted.citation() for quoted in near)]


def _extract(passage: Passage, weights: Mapping[str, float]) -> _Quoted:
    best = extract.best(passage.blocks, weights)
    heading = extract.score(passage.title.rpartition(SEPARATOR)[2], weights)
    if best is None or heading >= best.score * NEAR_BEST:
        # A question that the heading asks is answered by how its section begins.
        lead = extract.lead(passage.blocks, weights)
        return _Quoted(passage, lead.text, lead.quote, heading + (best.score if best else 0.0))
    return _Quoted(passage, best.text, best.quote, best.score + extract.score(passage.title, weights))


def quote_selection(question: Question) -> str:
    asked = words.of(question.message)
    if not asked:
        return f"{BEGINNING}\n\n{extract.opening(question.selected_text)}\n\n{QUOTED_SELECTION}"
    weights = {words.stem(word): 1.0 for word in asked}
    best = extract.best(extract.blocks_of(question.selected_text), weights)
    if best is None:
        return NOT_IN_SELECTION
    return f"{best.text}\n\n{QUOTED_SELECTION}"
