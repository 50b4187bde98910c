"""`chatgate evaluate`: how well the questions of a book are found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from chatgate.commands import ask
from chatgate.commands.index import Book
from chatgate.faults import Fault
from rag_backend.search import evaluation
from rag_backend.search.evaluation import QuestionsUnreadable, Result

app = typer.Typer(add_completion=False)


@app.command("evaluate")
def evaluate_book(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="One question a line.")],
    book: Book = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Measure how well a book's questions are found: hits among the first passages, refusals, times.

    A line is {"question": "...", "pages": ["intro#setup"]}, the pages being ends of paths, none for a
    question that the book does not answer.
    """
    with ask.of_book(book) as at:
        result = _evaluate(at, questions)
    ask.show(_as_json(result) if as_json else _as_lines(result))


def _evaluate(at: Path, questions: Path) -> Result:
    """Every question of a file put to the search. Raises Fault."""
    try:
        asked = evaluation.read(questions)
        return evaluation.run(asked, lambda text: [hit.passage.url for hit in ask.find(at, text).hits])
    except QuestionsUnreadable as error:
        raise Fault(str(error)) from None


def _as_lines(result: Result) -> Iterator[str]:
    inside, outside = result.inside, result.outside
    for outcome in inside:
        if outcome.rank is None or outcome.rank > evaluation.DEPTHS[1]:
            said = "refused" if outcome.is_refused else f"found {outcome.found[0]}"
            yield f"missed: {outcome.asked.question} ({said})"
    yield from (f"answered: {outcome.asked.question}" for outcome in outside if not outcome.is_refused)
    for depth in evaluation.DEPTHS:
        yield f"hit@{depth}: {result.hits(depth)} of {len(inside)}"
    yield f"refused though the book answers: {result.refused} of {len(inside)}"
    yield f"answered though the book does not: {result.answered_outside} of {len(outside)}"
    yield f"time: median {result.median_milliseconds:.1f} ms, p95 {result.milliseconds(0.95):.1f} ms"


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "questions": len(result.inside),
        **{f"hit@{depth}": result.hits(depth) for depth in evaluation.DEPTHS},
        "refused": result.refused,
        "outside": len(result.outside),
        "answered_outside": result.answered_outside,
        "milliseconds": {"median": result.median_milliseconds, "p95": result.milliseconds(0.95)},
        "outcomes": [
            {"question": one.asked.question, "rank": one.rank, "found": one.found} for one in result.outcomes
        ],
    }
