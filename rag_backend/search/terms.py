"""The terms of a question: its words as the index has them, mended where they are misspelt, and their
weights."""

import math
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from rag_backend.search.language import compounds, frequency, languages, synonyms, words
from rag_backend.search.writing import MIN_SPELT

MAX_PARTS_OF: Final = 12
"""Words of the book that a word of the question may be a part of, as in German."""
MAX_NEAR: Final = 60
"""Words of the vocabulary whose spelling is compared with an unknown one."""
LONG_WORD: Final = 8
"""The least letters of a word that may be misspelt at two places."""
COMMON_RANK: Final = 150
LEAST_SPECIFIC: Final = 0.35
"""A word that the book lacks says least about the subject if its rank among English words is at most this;
and how much it says then."""
KNOWN_SHARE: Final = 0.35
"""The part of a word's rarity in the book that counts for a word common in English: a small book may have
"now" only once."""
RELATED: Final = 0.6
"""The part of a word's weight that counts for a word which readers use in its place."""
ENGLISH: Final = 300
"""Words of English by which the shares of a book's words are smoothed."""
MAX_AFFINITY: Final = 5.0
"""A word that is 150 times as frequent as in English is the book's own, and one that is 150 times rarer is
foreign to it; more tells no more."""
MAX_RELATED_AFFINITY: Final = 1.0
"""The most affinity that a word may have through another one which readers use in its place: if a book often
has "change", "edit" is not typical of it."""
UNKNOWN_NGRAM: Final = 0.25
"""The weight of n-grams that the book lacks: half of all n-grams lie across two words."""
_WORDS: Final = re.compile(r"[A-Za-z]+")
_CAPITAL: Final = re.compile(r"(?<=[^.?!:]\s)[A-Z][A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question. `tokens` are those of the index that count as it, none if the book lacks it.

    `weight` is its rarity in the book, of an unknown word in the language. `corrected` is the word of the
    book that it was taken for, or "". `related` are tokens of words that readers put in its place, with
    the weight that each may count for. `affinity` says how much likelier the word is in the book than in
    English, as a natural logarithm, below 0 for one that is likelier in English.
    """

    word: str
    tokens: tuple[str, ...]
    weight: float
    corrected: str = ""
    is_ngram: bool = False
    related: tuple[tuple[str, float], ...] = ()
    affinity: float = 0.0


@dataclass(frozen=True, slots=True)
class Book:
    """The index of a book in the languages `spoken`: how many passages it has, and how many words they have
    together. `names` are the words of a question that are written as names."""

    connection: sqlite3.Connection
    spoken: tuple[str, ...]
    passages: int
    words: int
    names: frozenset[str] = frozenset()


def of(book: Book, question: str) -> list[Term]:
    """The terms of a question to a book."""
    asked = words.of(question, languages.of(question, book.spoken[0]))
    book = replace(book, names=_names(question))
    found = [term for word in asked for term in _terms(book, word)]
    for parts, whole in _joined(question):
        if _is_in_vocabulary(book.connection, whole):
            found = _with_whole(book, found, parts, whole)
    return [replace(term, affinity=_affinity(book, term)) for term in found]


def _joined(question: str) -> list[tuple[tuple[str, str], str]]:
    """Each two neighbouring words with the one word that they make, as "back up" is "backup"."""
    found = list(map(words.fold, _WORDS.findall(question)))[: 2 * words.MAX_WORDS]
    return [(pair, "".join(pair)) for pair in pairwise(found) if len("".join(pair)) > MIN_SPELT]


def _with_whole(book: Book, found: list[Term], parts: tuple[str, str], whole: str) -> list[Term]:
    """The terms; where the book writes two of them as one word, that word counts as either."""
    tokens = tuple(token for language in book.spoken for token in words.stemmed(whole, language))
    if not any(term.word in parts for term in found):
        return [*found, *_terms(book, whole)]
    return [
        replace(term, tokens=tuple(dict.fromkeys((*term.tokens, *tokens)))) if term.word in parts else term
        for term in found
    ]


def _names(question: str) -> frozenset[str]:
    """The folded words that are written as names, with a capital within a sentence of small letters."""
    found = _CAPITAL.findall(question)
    return frozenset(map(words.fold, found)) if 2 * len(found) <= len(question.split()) else frozenset()


def _terms(book: Book, word: str) -> Iterator[Term]:
    if words.is_unspaced(word):
        for gram in words.stemmed(word, book.spoken[0]):
            count = _count(book.connection, gram)
            weight = _rarity(count, book.passages) if count else UNKNOWN_NGRAM * _rarity(0, book.passages)
            yield Term(word, (gram,) if count else (), weight, is_ngram=True)
        return
    stems = tuple(dict.fromkeys(stem for language in book.spoken for stem in words.stemmed(word, language)))
    held = tuple(stem for stem in stems if _count(book.connection, stem))
    if held:
        count = max(_count(book.connection, stem) for stem in held)
        yield _with_related(book, Term(word, held, _known_weight(book, word, count)))
        return
    parts = _parts(book, word)
    for part in parts:
        yield from _terms(book, part)
    if not parts:
        yield _with_related(book, _mended(book, word))


def _parts(book: Book, word: str) -> tuple[str, ...]:
    """The parts of a compound, of words that the book has, or else of other forms of them."""
    if not any(language in languages.COMPOUNDING for language in book.spoken):
        return ()
    parts = compounds.split(word, lambda part: _is_in_vocabulary(book.connection, part))
    # A word that is a part of others, as "Ladegerät" of "Batterieladegerät", says more as a whole.
    if parts or _wholes(book.connection, word):
        return parts
    return compounds.split(word, lambda part: _has_form(book, part))


def _has_form(book: Book, part: str) -> bool:
    """Return True if the book has the stem of a part, as "Batterien" has that of "Batterie"."""
    stems = (stem for language in book.spoken for stem in words.stemmed(part, language))
    return any(_count(book.connection, stem) for stem in stems)


def _with_related(book: Book, term: Term) -> Term:
    if languages.DEFAULT not in book.spoken:
        return term
    own = term.tokens or (words.stem(term.word),)
    tokens = dict.fromkeys(other for token in own for other in synonyms.of(token))
    counts = {token: _count(book.connection, token) for token in tokens if token not in own}
    # A word that half of the book has tells little, however rare the word that it replaces.
    weights = {
        token: min(term.weight, _rarity(count, book.passages)) for token, count in counts.items() if count
    }
    return replace(term, related=tuple((token, RELATED * weight) for token, weight in weights.items()))


def _mended(book: Book, word: str) -> Term:
    # A word of the language is not another one misspelt: "point" is not "print".
    is_right = frequency.rank(word) is not None or (word in book.names and len(word) < LONG_WORD)
    near = "" if is_right else _near(book.connection, word)
    within = (
        _wholes(book.connection, word) if any(one in languages.COMPOUNDING for one in book.spoken) else []
    )
    found = within or ([near] if near else [])
    tokens = dict.fromkeys(
        stem for one in found for language in book.spoken for stem in words.stemmed(one, language)
    )
    held = tuple(token for token in tokens if _count(book.connection, token))
    if not held:
        return Term(word, (), _rarity(0, book.passages) * _specificity(word, is_name=word in book.names))
    count = max(_count(book.connection, token) for token in held)
    return Term(word, held, _rarity(count, book.passages), corrected=found[0])


def _count(connection: sqlite3.Connection, token: str) -> int:
    row = connection.execute("select doc from stems where term = ?", (token,)).fetchone()
    return int(row[0]) if row else 0


def affinity_of_absent(book: Book) -> float:
    """The affinity of a word that the book lacks; it is lower for a longer book."""
    return max(-MAX_AFFINITY, math.log(ENGLISH / (book.words + ENGLISH)))


def _affinity(book: Book, term: Term) -> float:
    """The logarithm of a word's share of the book to its share of English, by Dirichlet smoothing: as if
    ENGLISH words of English stood in the book too, so that one it lacks is unlikely and not impossible."""
    own = max((_occurrences(book.connection, token) for token in term.tokens), default=0)
    others = max((_occurrences(book.connection, token) for token, _ in term.related), default=0)
    added = ENGLISH * frequency.share(term.word)
    held = max(own, RELATED * others) + added
    affinity = math.log(held / added * ENGLISH / (book.words + ENGLISH))
    most = MAX_AFFINITY if term.tokens else MAX_RELATED_AFFINITY
    return max(-MAX_AFFINITY, min(most, affinity))


def _occurrences(connection: sqlite3.Connection, token: str) -> int:
    row = connection.execute("select cnt from stems where term = ?", (token,)).fetchone()
    return int(row[0]) if row else 0


def _is_in_vocabulary(connection: sqlite3.Connection, word: str) -> bool:
    return connection.execute("select 1 from vocabulary where word = ?", (word,)).fetchone() is not None


def _rarity(count: int, total: int) -> float:
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _known_weight(book: Book, word: str, count: int) -> float:
    share = KNOWN_SHARE + (1 - KNOWN_SHARE) * _specificity(word, is_name=word in book.names)
    return _rarity(count, book.passages) * share


def _specificity(word: str, *, is_name: bool) -> float:
    """How much a word that the book lacks says about the subject, from LEAST_SPECIFIC to 1.

    Common English words say little: a book that gives a price may never say "cost". A name says the most.
    """
    rank = frequency.rank(word)
    if rank is None or is_name:
        return 1.0
    return max(LEAST_SPECIFIC, min(1.0, LEAST_SPECIFIC + 0.5 * math.log10(rank / COMMON_RANK)))


def _wholes(connection: sqlite3.Connection, word: str) -> list[str]:
    """The words of the book that have this one as a part."""
    if len(word) < MIN_SPELT + 1:
        return []
    rows = connection.execute(
        "select word from spellings where spellings match ? order by length(word) limit ?",
        (f'"{word}"', MAX_PARTS_OF),
    )
    return [row[0] for row in rows]


def _near(connection: sqlite3.Connection, word: str) -> str:
    """The word of the book that differs in one letter, in two if it is long, or ""; the commonest of them."""
    if len(word) < MIN_SPELT or not word.isalpha():
        return ""
    grams = dict.fromkeys(word[at : at + 3] for at in range(len(word) - 2))
    rows = connection.execute(
        "select word, passages from spellings where spellings match ? and length(word) between ? and ?"
        " order by rank limit ?",
        (words.match_any(grams), max(len(word) - 2, MIN_SPELT + 1), len(word) + 2, MAX_NEAR),
    ).fetchall()
    allowed = 2 if len(word) >= LONG_WORD else 1
    scored = [(distance(word, other), -count, other) for other, count in rows]
    near = [entry for entry in scored if entry[0] <= allowed and _may_be(word, entry[2])]
    return min(near)[2] if near else ""


def _may_be(word: str, other: str) -> bool:
    # Few readers misspell a word's beginning, and short words are near to many others.
    return word[0] == other[0] or len(word) >= LONG_WORD or word[:2] == other[1::-1]


def distance(one: str, other: str) -> int:
    """The number of letters to be added, dropped, replaced, or exchanged with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        twice_before, before, row = before, row, [at]
        for place, letter_of_other in enumerate(other, 1):
            cost = min(row[-1] + 1, before[place] + 1, before[place - 1] + (letter != letter_of_other))
            is_swapped = (
                at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == letter_of_other
            )
            row.append(min(cost, twice_before[place - 2] + 1) if is_swapped else cost)
    return row[-1]
