"""The questions of bench/books in four sets, and what the search, bm25s and an embedding model find of each.

The search may be tuned on the known questions, on the hard ones and on those about something else that each
book is asked. The held-out ones were written before it was last changed, and were put to it once, when it was
done.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.figures import Figure
from bench.scenarios import retrieval_books
from rag_backend.search import evaluation, index, query, vectors
from rag_backend.search.embedding import Embedding
from rag_backend.search.evaluation import Asked, Result
from rag_backend.search.passages import Passage

KNOWN: Final = "known"
HELD_OUT: Final = "held out"
HARD: Final = "hard"
ELSEWHERE: Final = "elsewhere"
OURS: Final = ("by words", "by both")
OTHERS: Final = ("bm25s", "meaning")
IN_ORDER: Final = "{}, refusing none"
"""The label of the order of our search by itself. It compares with bm25s and the model, which refuse
nothing."""
DEPTH: Final = 3
MOST_REFUSED: Final = 5
MOST_OUTSIDE: Final = 10
"""Per cent of the answerable questions that may be refused, and of those outside that may be answered."""

Ask = Callable[[str], Sequence[str]]
Sets = Mapping[str, Mapping[str, list[Asked]]]


def read() -> Sets:
    """The questions of each set, by book."""
    names, elsewhere = retrieval_books.NAMES, evaluation.read(retrieval_books.ELSEWHERE)
    return {
        KNOWN: {name: evaluation.read(retrieval_books.questions(name)) for name in names},
        HELD_OUT: {name: evaluation.read(retrieval_books.held_out(name)) for name in names},
        HARD: {
            name: evaluation.read(path) for name in names if (path := retrieval_books.hard(name)).exists()
        },
        ELSEWHERE: dict.fromkeys(names, elsewhere),
    }


def figures(scenario: str, books: Mapping[str, Path], model: Embedding | None) -> Iterator[Figure]:
    """The questions of each set whose answer is found in the indexes `books`; beside the embedding model
    where there is one, which the indexes were then made with."""
    ways: dict[str, Embedding | None] = {"by words": None} | ({} if model is None else {"by both": model})
    asked = {how: by_search(books, own) for how, own in ways.items()}
    asked |= {IN_ORDER.format(how): by_order(books, own) for how, own in ways.items()}
    asked["bm25s"] = by_bm25s(books)
    if model is not None:
        asked["meaning"] = by_meaning(books, model)
    for label, questions in read().items():
        found = {how: ask_all(questions, asks) for how, asks in asked.items()}
        # The hard ones show where the search ends, and have no aim.
        has_aim = label != HARD
        if label != ELSEWHERE:
            yield from _hits(scenario, label, found, has_aim=has_aim)
        for how in filter(found.__contains__, OURS):
            yield from _refusals(scenario, f"{label}: {how}", found[how], has_aim=has_aim)


def ask_all(questions: Mapping[str, list[Asked]], asks: Mapping[str, Ask]) -> Result:
    runs = (evaluation.run(of_book, asks[name]) for name, of_book in questions.items())
    return Result(tuple(outcome for run in runs for outcome in run.outcomes))


def by_search(books: Mapping[str, Path], model: Embedding | None) -> Mapping[str, Ask]:
    def ask_of(path: Path) -> Ask:
        return lambda text: [hit.passage.url for hit in query.search(path, text, embedding=model).hits]

    return {name: ask_of(path) for name, path in books.items()}


def by_order(books: Mapping[str, Path], model: Embedding | None) -> Mapping[str, Ask]:
    """The same, but the nearest passages where it refuses."""

    def ask_of(path: Path) -> Ask:
        def ask(text: str) -> Sequence[str]:
            found = query.search(path, text, embedding=model)
            return [hit.passage.url for hit in found.hits or found.nearest]

        return ask

    return {name: ask_of(path) for name, path in books.items()}


def by_bm25s(books: Mapping[str, Path]) -> Mapping[str, Ask]:
    """bm25s with its defaults over the same passages; it refuses nothing."""
    return {name: _bm25s(_passages(path)) for name, path in books.items()}


def by_meaning(books: Mapping[str, Path], model: Embedding) -> Mapping[str, Ask]:
    """The embedding model alone, which refuses nothing either."""

    def ask_of(path: Path) -> Ask:
        urls = [passage.url for passage in _passages(path)]

        def ask(text: str) -> Sequence[str]:
            with index.opened(path) as connection:
                near = vectors.near(connection, path, model.question(text), query.MAX_PASSAGES)
            return [urls[number - 1] for number in near]

        return ask

    return {name: ask_of(path) for name, path in books.items()}


def _bm25s(passages: Sequence[Passage]) -> Ask:
    # Imported late, as it brings numpy: the embedding model sets its threads to one before that is loaded.
    bm25s = importlib.import_module("bm25s")
    texts = [f"{passage.title}\n{passage.searched}" for passage in passages]
    ranker = bm25s.BM25()
    ranker.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)
    depth = min(query.MAX_PASSAGES, len(passages))

    def ask(text: str) -> Sequence[str]:
        tokens = bm25s.tokenize(text, stopwords="en", show_progress=False)
        places, _ = ranker.retrieve(tokens, k=depth, show_progress=False)
        return [passages[place].url for place in places[0]]

    return ask


def _passages(path: Path) -> list[Passage]:
    with index.opened(path) as connection:
        rows = connection.execute(
            "select version, url, title, language, blocks from passages order by id"
        ).fetchall()
    return [index.stored(row) for row in rows]


def _hits(scenario: str, label: str, found: Mapping[str, Result], *, has_aim: bool) -> Iterator[Figure]:
    least = max(found[how].hits(DEPTH) for how in OTHERS if how in found)
    for how, result in found.items():
        yield Figure(scenario, f"{label}: {how}, first of {len(result.inside)}", result.hits(1), "")
        name = f"{label}: {how}, among the first {DEPTH}"
        aim = least if has_aim and how not in OTHERS else None
        yield Figure(scenario, name, result.hits(DEPTH), "", aim, "at least")


def _refusals(scenario: str, label: str, result: Result, *, has_aim: bool) -> Iterator[Figure]:
    shares = [("outside answered", result.answered_outside, len(result.outside), MOST_OUTSIDE)]
    if result.inside:
        shares.insert(0, ("answerable refused", result.refused, len(result.inside), MOST_REFUSED))
    for name, count, total, most in shares:
        yield Figure(scenario, f"{label}, {name}", 100 * count / total, "%", most if has_aim else None)
