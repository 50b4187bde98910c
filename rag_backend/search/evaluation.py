"""How well a book's questions are answered: hits among the first passages, refusals, times."""

import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

MAX_QUESTIONS: Final = 10_000
MAX_LINE: Final = 65_536
"""Characters of a line of a file of questions."""
DEPTHS: Final = (1, 3, 5)


class QuestionsUnreadable(Exception):
    """The file has a line that is no question; the message names the line and the form that it should
    have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the pages that answer it; there are none if the book does not answer it. A page is
    given by the end of its path, with a heading's anchor if only that section answers."""

    question: str
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rank` counts from 1; None when none of the pages is among those found. `found` are URLs."""

    asked: Asked
    rank: int | None
    found: tuple[str, ...]
    seconds: float

    @property
    def is_refused(self) -> bool:
        return not self.found


@dataclass(frozen=True, slots=True)
class Result:
    outcomes: tuple[Outcome, ...]

    @property
    def inside(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.asked.pages]

    @property
    def outside(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.asked.pages]

    def hits(self, depth: int) -> int:
        """The number of questions with a page that answers among the first `depth`."""
        return sum(outcome.rank is not None and outcome.rank <= depth for outcome in self.inside)

    @property
    def refused(self) -> int:
        return sum(outcome.is_refused for outcome in self.inside)

    @property
    def answered_outside(self) -> int:
        return sum(not outcome.is_refused for outcome in self.outside)

    def milliseconds(self, share: float) -> float:
        """The time that `share` of the questions do not exceed."""
        times = sorted(outcome.seconds * 1000 for outcome in self.outcomes)
        return times[min(len(times) - 1, math.ceil(share * len(times)) - 1)] if times else 0.0

    @property
    def median_milliseconds(self) -> float:
        return (
            statistics.median(outcome.seconds * 1000 for outcome in self.outcomes) if self.outcomes else 0.0
        )


def read(path: Path) -> list[Asked]:
    """The questions of a JSON Lines file. Raises QuestionsUnreadable."""
    try:
        with path.open(encoding="utf-8") as file:
            return list(_read(file))
    except OSError as error:
        raise QuestionsUnreadable(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise QuestionsUnreadable(f"{path} is not UTF-8. Save it as UTF-8.") from None


def run(asked: Iterable[Asked], ask: Callable[[str], Sequence[str]]) -> Result:
    """Put every question to `ask`, which returns the URLs that it finds, best first."""
    outcomes: list[Outcome] = []
    for one in asked:
        begun = time.perf_counter()
        found = tuple(ask(one.question))
        seconds = time.perf_counter() - begun
        ranks = [rank for rank, url in enumerate(found, 1) if any(is_at(url, page) for page in one.pages)]
        outcomes.append(Outcome(one, min(ranks, default=None), found, seconds))
    return Result(tuple(outcomes))


def is_at(url: str, page: str) -> bool:
    """Return True if a URL is of a page: `intro` and `/docs/intro` are, and any section unless `page` has
    an anchor."""
    path, _, anchor = unquote(url).partition("#")
    wanted, _, wanted_anchor = unquote(page).partition("#")
    wanted = wanted.strip("/")
    is_page = path.strip("/") == wanted or path.rstrip("/").endswith(f"/{wanted}")
    return is_page and (not wanted_anchor or anchor == wanted_anchor)


def _read(lines: Iterable[str]) -> Iterator[Asked]:
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        count += 1
        if len(line) > MAX_LINE or count > MAX_QUESTIONS:
            raise QuestionsUnreadable(
                f"Line {number} is beyond {MAX_QUESTIONS} questions of {MAX_LINE} characters."
            )
        try:
            members = json.loads(line)
        except ValueError:
            members = None
        match members:
            case {"question": str(question), "pages": list(pages)} if all(isinstance(p, str) for p in pages):
                yield Asked(question, tuple(pages))
            case _:
                raise QuestionsUnreadable(
                    f'Line {number} is not like {{"question": "How ...?", "pages": ["intro#setup"]}}.'
                )
