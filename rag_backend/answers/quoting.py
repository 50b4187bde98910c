"""Answers without a language model: passages quoted so that they can be read."""

from collections.abc import Iterator
from typing import Final

from rag_backend.answers import sentences, tasks
from rag_backend.answers.parts import Citation, Delta, Part
from rag_backend.answers.questions import Question
from rag_backend.search import extract
from rag_backend.search.extract import Asked, Extract
from rag_backend.search.language import languages, words
from rag_backend.search.query import Found, Hit

MAX_QUOTED: Final = 3
"""Passages in an answer; a fourth seldom adds what the first three lack."""
NEAR_SCORE: Final = 0.65
"""The share of the best passage's score that another one needs to be quoted beside it."""
FEW_SENTENCES: Final = 12
"""Sentences of a selection that a reader chose on purpose, so that some of them are an answer."""


def book(found: Found) -> Iterator[Part]:
    """The best passages, each page once, with their headings, then their citations."""
    said = sentences.of(found.language)
    if not found.hits:
        yield Delta(said.nothing)
        return
    quoted = [(hit, _extract(found, hit)) for hit in chosen(found)]
    for hit, one in quoted:
        yield Delta(f"**{hit.passage.title}**\n\n{one.text}\n\n")
    yield Delta(said.from_book)
    for hit, one in quoted:
        yield Citation(hit.passage.title, hit.passage.url, one.quote)


def chosen(found: Found) -> list[Hit]:
    """The passages that are quoted: those with a score near the best one's, one of each page."""
    best = found.hits[0]
    by_page: dict[str, Hit] = {}
    for hit in found.hits:
        is_near = hit.score >= best.score * NEAR_SCORE and hit.coverage >= best.coverage * NEAR_SCORE
        if is_near or hit is best:
            by_page.setdefault(hit.passage.page, hit)
    return list(by_page.values())[:MAX_QUOTED]


def selection(question: Question) -> str:
    """The sentences of a selected text that are nearest to the question; for a task, its beginning."""
    return nearest(question) or sentences.of_text(question.selected_text).not_in_selection


def nearest(question: Question) -> str | None:
    """As `selection`, but None where a long text holds no word of the question."""
    text = question.selected_text
    said = sentences.of_text(text)
    language = languages.of(text, languages.DEFAULT)
    if tasks.is_task(question.message):
        return f"{said.beginning}\n\n{extract.opening(text)}\n\n{said.needs_model}"
    asked = words.of(question.message, language)
    stems = {stem: 1.0 for word in asked for stem in words.stemmed(word, language)}
    best = extract.found(extract.blocks_of(text), Asked(stems, language))
    if best is not None:
        # A list or code that a sentence announces is shown with it. No other block is, as the reader sees the
        # text.
        quoted = best.text if best.quote.endswith((":", "：")) else best.quote
        return f"{quoted}\n\n{said.from_selection}"
    if asked and extract.sentences(text) > FEW_SENTENCES:
        return None
    return f"{said.beginning}\n\n{extract.opening(text)}\n\n{said.from_selection}"


def _extract(found: Found, hit: Hit) -> Extract:
    passage = hit.passage
    heading = passage.headings[1].rpartition(" › ")[2] or passage.headings[0]
    # The title's words apply to every block under it, so only other words tell a tab from its neighbours.
    titled = set(words.tokens(passage.title, passage.language))
    others = {stem: weight for stem, weight in found.weights.items() if stem not in titled}
    asked = Asked(found.weights, passage.language)
    if any(
        block.kind == "title" and Asked(others, passage.language).score(block.text)
        for block in passage.blocks
    ):
        best = extract.found(passage.blocks, Asked(others, passage.language))
        if best is not None:
            return best
    return extract.of(passage.blocks, heading, asked)
