"""Books with questions, by which finding is measured: four in English, and one of pages in seven other
languages. `NAME.txt` holds the pages, `NAME.jsonl` the questions, `held_out/NAME.jsonl` those that nothing
was tuned on, `hard/NAME.jsonl` those that were written to be hard, and `elsewhere.jsonl` questions that no
book answers."""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "books"
NAMES: Final = ("relay", "bees", "stash", "tally", "scripts")
ELSEWHERE: Final = FOLDER / "elsewhere.jsonl"
_PAGE: Final = re.compile(r"^%%% (\S+)\n", re.MULTILINE)


def write(name: str, folder: Path) -> Path:
    """The folder of a book's pages, written below `folder`."""
    docs = folder / name / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    _, *pieces = _PAGE.split((FOLDER / f"{name}.txt").read_text("utf-8"))
    for path, text in zip(pieces[::2], pieces[1::2], strict=True):
        (docs / path).write_text(text, "utf-8")
    return docs


def questions(name: str) -> Path:
    """The file of a book's questions, as `chatgate evaluate` reads it."""
    return FOLDER / f"{name}.jsonl"


def held_out(name: str) -> Path:
    """The file of questions to a book that nothing was tuned on."""
    return FOLDER / "held_out" / f"{name}.jsonl"


def hard(name: str) -> Path:
    """The file of questions that share few words with their answers, and of others that are just outside the
    book; the one in many languages has none."""
    return FOLDER / "hard" / f"{name}.jsonl"
