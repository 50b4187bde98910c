"""The texts that generated files are made of: lines for some options alone, and places to fill in."""

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Final

_MARKED: Final = re.compile(r"\|([a-z-]+)\|(?: (.*))?")
_PLACE: Final = re.compile(r"\{\{([a-z]+)\}\}")


def lines(part: Path, marks: Set[str], fills: Mapping[str, str]) -> Iterator[str]:
    """A part's lines: behind `|mark|` only those with a mark of `marks`; and each `{{place}}` filled in."""
    for line in part.read_text("utf-8").splitlines():
        marked = _MARKED.fullmatch(line)
        if marked is None or marked[1] in marks:
            text = line if marked is None else marked[2] or ""
            yield _PLACE.sub(lambda place: fills[place[1]], text)
