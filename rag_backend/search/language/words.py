"""The words of a text as the search compares them: folded, stemmed by their language, cut into n-grams where
a script does not separate words."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from rag_backend.search.language import english, languages

MAX_WORDS: Final = 32
"""Distinct words of a question that are searched for; later ones seldom say what it is about."""
_MAX_WORD: Final = 64
"""Letters of a word that are looked at. No word is longer, and some letters are eighteen in NFKD."""
_MAX_RUN: Final = 4_096
"""Letters without a space that are looked at: a paragraph of Chinese is one run."""
_MAX_KNOWN: Final = 32_768
"""Stems that are remembered, of the words of passages and questions."""

# `\w` has no combining marks, which are letters' parts in the scripts of India and in Thai.
_MARKS: Final = "".join(
    chr(code) for code in range(0x300, 0xFE30) if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
_WORD = re.compile(rf"[\w{_MARKS}]+")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W_a-zA-Z0-9]+")
_IDEOGRAPHS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〆ー"
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUN = re.compile(rf"[{_IDEOGRAPHS}]+|[{_UNSPACED}]+")
_THAI_LIKE = re.compile(rf"[{_UNSPACED}]")
# One letter for the forms in which Arabic, Persian and Urdu write it.
_FORMS: Final = {"أإآٱ": "ا", "ىيۍئ": "ی", "ك": "ک", "ةەہھۂۃۀ": "ه", "ؤ": "و", "\u0640\u200c\u200d": None}
_FOLDED: Final = {ord(form): letter for forms, letter in _FORMS.items() for form in forms}
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_URDU_ENDINGS: Final = ("یوں", "یاں", "وں", "یں", "ات", "ے", "ی", "ا", "ه", "و")
_STRIPPED: Final = re.compile(r"[\u0300-\u036f\u064b-\u065f\u0670]")


def tokens(text: str, language: str) -> list[str]:
    """Every word of a text in its order, stemmed; also the parts of an identifier such as `maxRetries`."""
    return [token for word in _WORD.findall(text) for token in _tokens(word[:_MAX_RUN], language)]


def folded(text: str) -> list[str]:
    """Every word of a text in its order, folded but not stemmed."""
    return [word for found in _WORD.findall(text) for word in _split(found[:_MAX_RUN])]


def stems(text: str, language: str = languages.DEFAULT) -> set[str]:
    return set(tokens(text, language))


def stem(word: str, language: str = languages.DEFAULT) -> str:
    return stemmed(fold(word), language)[0]


def of(question: str, language: str = languages.DEFAULT) -> list[str]:
    """The distinct words of a question in their order, folded but not stemmed, at most MAX_WORDS.

    The stop words of its language and of English are left out.
    """
    stops = _stops(languages.DEFAULT) | _stops(language)
    kept: dict[str, None] = {}
    for match in _WORD.finditer(_without_phrases(question)):
        if match[0].lower() not in stops:
            found = (word for word in map(fold, _pieces(match[0])) if word not in stops)
            # A single Latin letter is the rest of "e-mail" or "I'd".
            kept.update(
                dict.fromkeys(
                    word for word in found if len(word) > 1 or not word.isalpha() or not word.isascii()
                )
            )
    return list(kept)[:MAX_WORDS]


def stemmed(word: str, language: str) -> tuple[str, ...]:
    """The stem of a folded word, or the n-grams of one in a script without spaces."""
    return _stemmed(word[:_MAX_WORD], language)


def fold(word: str) -> str:
    """A word in lower case, without accents and presentation forms."""
    folded = unicodedata.normalize("NFKC", word[:_MAX_WORD]).casefold()
    if not folded.isascii():
        folded = _STRIPPED.sub("", unicodedata.normalize("NFKD", folded))
        folded = unicodedata.normalize("NFC", folded).translate(_FOLDED)
    return folded


def is_unspaced(word: str) -> bool:
    return _RUN.match(word) is not None


def match_any(found: Iterable[str]) -> str:
    """An FTS5 query for any of the tokens. Each is quoted, so that no text is an operator or an error."""
    return " OR ".join(f'"{token}"' for token in found)


def _without_phrases(question: str) -> str:
    if question.isascii():
        return question
    for language in ("zh", "ja", "th"):
        for phrase in _phrases(language):
            question = question.replace(phrase, " ")
    return question


@lru_cache(32)
def _stops(language: str) -> frozenset[str]:
    return frozenset(map(fold, languages.stop_words(language)))


@lru_cache(8)
def _phrases(language: str) -> list[str]:
    return sorted(languages.stop_words(language), key=len, reverse=True)


@lru_cache(_MAX_KNOWN)
def _tokens(word: str, language: str) -> tuple[str, ...]:
    return tuple(token for part in _split(word) for token in stemmed(part, language))


@lru_cache(_MAX_KNOWN)
def _split(word: str) -> tuple[str, ...]:
    """A folded word, and the parts of an identifier, so that either finds it."""
    return tuple(_split_anew(word))


def _split_anew(word: str) -> Iterator[str]:
    yield from map(fold, _pieces(word))
    if word.isascii() and not word.islower() and "_" not in word and not word.isdigit():
        parts = _PIECE.findall(word)
        if len(parts) > 1:
            yield from map(fold, parts)


def _pieces(word: str) -> Iterator[str]:
    """A word cut at underscores and where its script changes to one without spaces."""
    for part in word.split("_"):
        position = 0
        for run in _RUN.finditer(part):
            if run.start() > position:
                yield part[position : run.start()]
            yield run[0]
            position = run.end()
        if position < len(part):
            yield part[position:]


@lru_cache(_MAX_KNOWN)
def _stemmed(word: str, language: str) -> tuple[str, ...]:
    if is_unspaced(word):
        size = 3 if _THAI_LIKE.match(word) else 2
        return tuple(word[at : at + size] for at in range(max(1, len(word) - size + 1)))
    if _ARABIC.search(word):
        return (_arabic(word, language),)
    stemmer = languages.stemmer(language)
    if language == "en":
        word = english.alike(word)
    return (stemmer.stemWord(word) if stemmer is not None else word,)


def _arabic(word: str, language: str) -> str:
    if language == "ar":
        stemmer = languages.stemmer("ar")
        # The stemmer knows the letters of Arabic alone.
        bare = word.translate(str.maketrans("یک", "يك"))
        return str(fold(stemmer.stemWord(bare))) if stemmer is not None else word
    for ending in _URDU_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
