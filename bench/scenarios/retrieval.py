"""Finding in a book: how much is found, what a question costs in 25,000 passages, and what indexing costs.

`python -m bench.scenarios.retrieval FOLDER INDEX` indexes a folder, and prints the processor seconds and the
peak memory in MiB: in a process of its own, whose memory nothing else has used.
"""

import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.figures import Figure
from bench.scenarios import retrieval_books, retrieval_sets
from bench.stack import Stack
from rag_backend.search import embedding, evaluation, index, query
from rag_backend.search.embedding import Embedding

NAME: Final = "retrieval"
PAGES: Final = 2_219
SECTIONS: Final = 11
QUICK_PAGES: Final = 100
QUESTIONS: Final = 60
DIMENSIONS: Final = 384


def run(running: Stack, *, quick: bool) -> Iterator[Figure]:
    """The stack is not asked: what is measured is the backend's own code, on one core."""
    # Imported first, as it keeps numpy to one core, which bm25s does not.
    model = embedding.installed()
    with tempfile.TemporaryDirectory(prefix="chatgate-bench-") as name:
        folder = Path(name)
        yield from _found(folder, None if quick else model)
        yield from _large(folder, QUICK_PAGES if quick else PAGES)


def _found(folder: Path, model: Embedding | None) -> Iterator[Figure]:
    books = {name: folder / f"{name}.db" for name in retrieval_books.NAMES}
    for name, path in books.items():
        index.build(retrieval_books.write(name, folder), path, embedding=model)
    yield from retrieval_sets.figures(NAME, books, model)


def _large(folder: Path, pages: int) -> Iterator[Figure]:
    docs, path = folder / "large" / "docs", folder / "large.db"
    asked = _write(docs, pages)
    command = [sys.executable, "-m", "bench.scenarios.retrieval", str(docs), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory, passages = map(float, done.stdout.split())
    yield Figure(NAME, f"indexing {pages:,} pages, {passages:,.0f} passages", seconds, "s", 20)
    yield Figure(NAME, "memory while indexing, at most", memory, "MiB", 300)
    yield Figure(NAME, "a question by words, p95", _p95(asked, _search(path)), "ms", 40)
    model = embedding.installed()
    if model is not None:
        _add_vectors(path, model)
        yield Figure(
            NAME, "a question by words and meaning, p95", _p95(asked, _search(path, model)), "ms", 60
        )


def _search(path: Path, model: Embedding | None = None) -> Callable[[str], Sequence[str]]:
    return lambda text: [hit.passage.url for hit in query.search(path, text, embedding=model).hits]


def _p95(asked: Sequence[str], ask: Callable[[str], Sequence[str]]) -> float:
    ask(asked[0])
    times = []
    for question in asked:
        begun = time.process_time()
        ask(question)
        times.append((time.process_time() - begun) * 1000)
    return sorted(times)[int(0.95 * len(times))]


def _write(docs: Path, pages: int) -> list[str]:
    """A book of sentences from the small books and words of its own, rarer and rarer; its questions."""
    chance = random.Random(15)
    docs.mkdir(parents=True)
    for name in retrieval_books.NAMES[:-1]:
        retrieval_books.write(name, docs.parent)
    texts = [(retrieval_books.FOLDER / f"{name}.txt").read_text() for name in retrieval_books.NAMES[:-1]]
    sentences = [one.strip() for text in texts for one in text.split("\n") if one.count(" ") > 5]
    letters = "bdfgklmnprstvz"
    own = ["".join(chance.choice(letters) + chance.choice("aeiou") for _ in range(4)) for _ in range(30_000)]
    weights = [1 / rank for rank in range(1, len(own) + 1)]
    for page in range(pages):
        parts = [f"# Page {page} of {chance.choices(own, weights)[0]}"]
        for _ in range(SECTIONS + (page % 4 == 0)):
            said = chance.choices(sentences, k=3)
            salt = " ".join(chance.choices(own, weights, k=25))
            parts.append(f"## {' '.join(chance.choices(own, weights, k=3))}\n\n{' '.join(said)} {salt}.")
        (docs / f"p{page}.md").write_text("\n\n".join(parts))
    known = [
        one for name in retrieval_books.NAMES[:-1] for one in evaluation.read(retrieval_books.questions(name))
    ]
    return [one.question for one in known[:QUESTIONS]]


def _add_vectors(path: Path, model: Embedding) -> None:
    """Vectors by chance: a question's cost does not depend on what they mean, and 25,000 real ones take half
    an hour."""
    chance = random.Random(16)
    connection = sqlite3.connect(path)
    with connection:
        (total,) = connection.execute("select count(*) from passages").fetchone()
        rows = ((number, b"", chance.randbytes(DIMENSIONS)) for number in range(1, total + 1))
        connection.executemany("insert into vectors values (?, ?, ?)", rows)
        connection.execute("update meta set value = json_quote(?) where name = 'embedding'", (model.name,))
    connection.close()


def main() -> None:
    docs, target = map(Path, sys.argv[1:])
    summary = index.build(docs, target)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, summary.passages)


if __name__ == "__main__":
    main()
