"""Words of documentation that English readers use for each other."""

from functools import cache
from pathlib import Path

from rag_backend.search.language import words


def of(token: str) -> tuple[str, ...]:
    """The stems of the words that readers use for the word of a stem."""
    return _groups().get(token, ())


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    lines = Path(__file__).with_name("synonyms.txt").read_text("utf-8").splitlines()
    found: dict[str, dict[str, None]] = {}
    for line in lines:
        stems = [words.stem(word) for word in line.split()] if not line.startswith("#") else []
        for stem in stems:
            found.setdefault(stem, {}).update(dict.fromkeys(one for one in stems if one != stem))
    return {stem: tuple(others) for stem, others in found.items()}
