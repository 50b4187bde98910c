"""Asking a book without any service: what is found for a question, and why."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from chatgate.commands import index
from chatgate.environment import standing
from chatgate.faults import Fault
from rag_backend.answers import answer, quoting
from rag_backend.answers.parts import Citation, Delta
from rag_backend.answers.questions import MAX_MESSAGE, Question
from rag_backend.config import ConfigError, embedding_from_environment
from rag_backend.search import judging, query
from rag_backend.search.index import IndexUnavailable
from rag_backend.search.judging import Evidence
from rag_backend.search.query import Found, Hit

WIDTH: Final = 88

app = typer.Typer(add_completion=False)


@app.command("ask")
def ask_book(
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    book: index.Book = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Answer a question from a book without any service, and show what was found and why."""
    with of_book(book) as at:
        found = find(at, question)
    show(_as_json(found) if as_json else _as_lines(found))


def show(found: dict[str, Any] | Iterable[str]) -> None:
    """Print one JSON document for scripts, or lines for people."""
    lines = [json.dumps(found, ensure_ascii=False)] if isinstance(found, dict) else found
    for line in lines:
        typer.echo(line)


@contextmanager
def of_book(book: Path | None) -> Iterator[Path]:
    """The index to ask: of `book`, made in a folder of its own, or the stack's. Raises Fault."""
    if book is None:
        # The index is all that is needed, so no secret is made.
        yield standing(make=False).index
        return
    with tempfile.TemporaryDirectory(prefix="chatgate-") as folder:
        made = Path(folder, "book.db")
        index.index_book(book, made)
        yield made


def find(at: Path, question: str) -> Found:
    """Return the results of the search. Raises Fault."""
    if not 1 <= len(question.strip()) <= MAX_MESSAGE:
        raise Fault(f"A question has 1 to {MAX_MESSAGE} characters.")
    try:
        model = embedding_from_environment()
        return answer.find(at, Question(question.strip(), False, "", ()), model)
    except (IndexUnavailable, ConfigError) as error:
        raise Fault(str(error)) from None


def _as_lines(found: Found) -> Iterator[str]:
    """The answer as a reader gets it, then how it came about."""
    parts = list(quoting.book(found))
    yield "".join(part.text for part in parts if isinstance(part, Delta))
    yield from (f"[{part.title}] {part.url}" for part in parts if isinstance(part, Citation))
    yield ""
    for term in found.terms:
        taken = f", taken for {term.corrected}" if term.corrected else ""
        state = "not in the book" if not term.tokens else f"as {', '.join(term.tokens)}"
        related = f", less for {', '.join(dict(term.related))}" if term.related else ""
        named = ", not judged as it names the book" if found.names_book(term) else ""
        yield f"{term.word}: weight {term.weight:.1f}, {state}{taken}{related}{named}"
    yield from _why(found.evidence)
    for hit in found.nearest or found.hits:
        beginning = " ".join(hit.passage.text.split())[:WIDTH]
        yield f"{hit.score:6.2f}  coverage {hit.coverage:.2f}  {hit.passage.url}"
        yield f"        {hit.passage.title}: {beginning}"


def _why(evidence: Evidence) -> Iterator[str]:
    """The three things that speak for an answer."""
    yield f"An answer needs evidence of {judging.NEEDED:.2f}; this question has {evidence.total:.2f}:"
    yield f"        coverage {evidence.coverage:.2f} in one of the first {query.JUDGED} passages"
    yield f"        affinity {evidence.affinity:.2f} of its words to this book, and not to English"
    if evidence.standing is not None:
        yield f"        the nearest passage stands out by {evidence.standing:.1f} standard deviations"


def _as_json(found: Found) -> dict[str, Any]:
    return {
        "answered": bool(found.hits),
        "needed": judging.NEEDED,
        "evidence": {
            "total": found.evidence.total,
            "coverage": found.evidence.coverage,
            "affinity": found.evidence.affinity,
            "standing": found.evidence.standing,
        },
        "terms": [
            {"word": term.word, "weight": term.weight, "tokens": term.tokens, "corrected": term.corrected}
            for term in found.terms
        ],
        "passages": [_passage(hit, found) for hit in found.nearest or found.hits],
    }


def _passage(hit: Hit, found: Found) -> dict[str, Any]:
    return {
        "url": hit.passage.url,
        "title": hit.passage.title,
        "score": hit.score,
        "coverage": hit.coverage,
        "quoted": hit in found.hits,
        "text": hit.passage.text,
    }
