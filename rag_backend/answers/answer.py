"""From a question to the parts of its answer: by a language model, or by quoting the book."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from rag_backend.answers import model as llm
from rag_backend.answers import prompts, quoting, sentences, tasks, visible_text
from rag_backend.answers.model import Model
from rag_backend.answers.model_failures import ModelFailed
from rag_backend.answers.parts import Citation, Delta, Part, Used, Waiting
from rag_backend.answers.questions import Question
from rag_backend.answers.source_numbers import SourceNumbers
from rag_backend.answers.visible_text import Note
from rag_backend.search import extract
from rag_backend.search.embedding import Embedding
from rag_backend.search.extract import Asked
from rag_backend.search.language import words
from rag_backend.search.passages import Passage
from rag_backend.search.query import Found, beginning, search

MIN_SUPPORT: Final = 0.5
MIN_SHARED: Final = 4
"""The share and the number of an answer's words that a passage must hold to count as its unnamed source."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of answers, which are quotations when there is no `model`."""

    index: Path
    model: Model | None
    http: aiohttp.ClientSession
    embedding: Embedding | None = None


def answer(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    """The answer's texts, then its citations. When a model is asked, Waiting comes first and Used last.

    Raises IndexUnavailable before the first part, ModelFailed after it.
    """
    if question.only_selection:
        return _from_selection(question, sources)
    return _from_book(question, sources)


def find(index: Path, question: Question, embedding: Embedding | None = None) -> Found:
    """The passages for a question; the book's beginning for one that is about all of it. Raises
    IndexUnavailable."""
    if tasks.is_about_all(question.message) and not question.selected_text:
        return beginning(index)
    return search(index, question.message, question.selected_text, embedding)


async def _from_selection(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    if sources.model is None:
        # A reader chose this text, and a text of four thousand sentences takes 60 ms.
        yield Delta(await asyncio.to_thread(quoting.selection, question))
        return
    yield Waiting()
    async with aclosing(_asked(sources.http, sources.model, prompts.about_selection(question))) as pieces:
        async for piece in pieces:
            yield piece if isinstance(piece, Used) else _delta(piece)


async def _from_book(question: Question, sources: Sources) -> AsyncGenerator[Part, None]:
    found = await asyncio.to_thread(find, sources.index, question, sources.embedding)
    if sources.model is None:
        # The text that the reader has before them may answer where the book does not.
        if question.selected_text and (tasks.is_task(question.message) or not found.hits):
            quoted = quoting.nearest(question)
            if quoted is not None:
                yield Delta(quoted)
                return
        for part in quoting.book(found):
            yield part
    elif not found.hits and not question.selected_text:
        yield Delta(sentences.of(found.language).nothing)
    else:
        async with aclosing(_by_model(question, found, sources.http, sources.model)) as parts:
            async for part in parts:
                yield part


async def _by_model(
    question: Question, found: Found, http: aiohttp.ClientSession, model: Model
) -> AsyncGenerator[Part, None]:
    yield Waiting()
    passages = [hit.passage for hit in found.hits]
    marks = SourceNumbers()
    said: list[str] = []
    note = ""
    used: Used | None = None
    async with aclosing(_asked(http, model, prompts.about_book(question, passages))) as pieces:
        async for piece in pieces:
            if isinstance(piece, Note):
                note = piece.text
            elif isinstance(piece, Used):
                used = piece
            elif text := marks.feed(piece):
                said.append(text)
                yield Delta(text)
    rest = marks.rest()
    said.append(rest)
    if not note and not "".join(said).strip():
        raise ModelFailed("it named its sources and said nothing")
    if rest or note:
        yield Delta(rest + note)
    for citation in _named(passages, marks.numbers, "".join(said)):
        yield citation
    if used is not None:
        yield used


def _asked(
    http: aiohttp.ClientSession, model: Model, messages: llm.Messages
) -> AsyncGenerator[str | Note | Used, None]:
    return visible_text.heard(llm.complete(http, model, messages))


def _delta(piece: str | Note) -> Delta:
    return Delta(piece.text if isinstance(piece, Note) else piece)


def _named(passages: Sequence[Passage], numbers: Sequence[int], said: str) -> list[Citation]:
    """The passages that a model names, each with the sentence nearest to its answer, and each page once.

    When it names none, the best passage whose words it mostly used is cited: small models forget to name
    their sources, and a refusal uses no passage's words.
    """
    if numbers:
        chosen = [passages[number - 1] for number in numbers if 0 < number <= len(passages)]
    else:
        chosen = [passage for passage in passages if _supports(passage, said)][:1]
    cited: dict[str, Citation] = {}
    for passage in chosen:
        best = extract.found(passage.blocks, Asked(_weights(said, passage), passage.language))
        if best is not None:
            cited.setdefault(passage.page, Citation(passage.title, passage.url, best.quote))
    return list(cited.values())


def _weights(said: str, passage: Passage) -> dict[str, float]:
    asked = words.of(said, passage.language)
    return {stem: 1.0 for word in asked for stem in words.stemmed(word, passage.language)}


def _supports(passage: Passage, said: str) -> bool:
    used = _weights(said, passage)
    shared = len(set(words.tokens(passage.text, passage.language)) & used.keys())
    return shared >= max(MIN_SHARED, MIN_SUPPORT * len(used))
