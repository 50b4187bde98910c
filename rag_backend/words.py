"""The words of a question that say what it is about, and how to find them again in a sentence."""

import re
import unicodedata
from typing import Final

MAX_WORDS: Final = 32
"""Distinct words of a question that are searched for; later ones seldom say what it is about."""

# What questions are made of in English, and the halves of "it's" and "don't". In other languages the index
# weighs such words low by itself.
_STOP_WORDS: Final = """
a about above after again all also am an and any are as at be because been before being below best
between both but by can could describe did do does doing down during each explain few for from
further get give had has have having he help her here hers him his how i if in into is it its just
like look looks many me mean means more most much my no nor not of off on once only or other our out
over own please same say says she should show so some such tell than that the their them then there
these they this those through to too under until up us use used using very want was we were what
when where which while who whom why will with work works would you your
s t ll re ve aren didn doesn don isn wasn
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())

_WORD = re.compile(r"\w+")
_ENDINGS: Final = tuple(
    "ations ation ating ated ates ate ings ing edly ers er ies ied es ed ly s e y".split()  # noqa: SIM905
)
_MIN_STEM: Final = 3


def of(text: str) -> list[str]:
    """The distinct words of a question in their order, stop words left out, at most MAX_WORDS."""
    distinct = dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS)
    return list(distinct)[:MAX_WORDS]


def match_any(words: list[str]) -> str:
    """An FTS5 query for any of the words. Each is quoted, so that no text is an operator or an error."""
    return " OR ".join(f'"{word}"' for word in words)


def stems(text: str) -> set[str]:
    return {stem(word) for word in _WORD.findall(text.lower())}


def stem(word: str) -> str:
    """A word without accents and its commonest English ending: enough to choose among a page's sentences."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for ending in _ENDINGS:
        if bare.endswith(ending) and len(bare) - len(ending) >= _MIN_STEM:
            return bare[: -len(ending)]
    return bare
