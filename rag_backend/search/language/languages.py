"""The languages that the search knows: their stop words, stemmers, and how to tell one from another."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import Stemmer

DEFAULT: Final = "en"
MIN_SHARE: Final = 0.12
"""The share of stop words from which a text is taken to be of their language."""
COMPOUNDING: Final = frozenset({"de", "nl", "sv", "da", "nb", "no", "fi"})
_STEMMERS: Final = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese",
    "nl": "dutch", "ru": "russian", "ar": "arabic", "sv": "swedish", "da": "danish", "nb": "norwegian",
    "no": "norwegian", "fi": "finnish", "hu": "hungarian", "ro": "romanian", "tr": "turkish", "el": "greek",
    "hi": "hindi", "ca": "catalan", "lt": "lithuanian", "id": "indonesian", "hy": "armenian", "ta": "tamil",
}  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d_]+")
_URDU: Final = re.compile("[ٹڈڑںےہھ]")
_ARABIC: Final = re.compile("[\u0621-\u064a]")
# Scripts without spaces between words, or of one language, whose text has no stop words to be counted.
_SCRIPTS: Final = {
    "ja": re.compile("[\u3041-\u30ff]"),
    "zh": re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]"),
    "th": re.compile("[\u0e01-\u0e5b]"),
    "ko": re.compile("[\u1100-\u11ff\uac00-\ud7a3]"),
}
MIN_KANA: Final = 0.2
"""The share of kana among the letters of East Asia from which a text is Japanese; Chinese may name a word."""
_SAMPLE: Final = 4_000
"""Characters of a page by which its language is recognised."""


@cache
def stop_words(language: str) -> frozenset[str]:
    return _lists().get(language, frozenset())


@cache
def _lists() -> dict[str, frozenset[str]]:
    lines = Path(__file__).with_name("stop_words.txt").read_text("utf-8").splitlines()
    split = (line.split() for line in lines if line and not line.startswith("#"))
    return {language: frozenset(words) for language, *words in split}


@cache
def _languages_of() -> dict[str, list[str]]:
    """The languages that have a word among their stop words."""
    found: dict[str, list[str]] = {}
    for language, words in _lists().items():
        for word in words:
            found.setdefault(word, []).append(language)
    return found


@cache
def stemmer(language: str) -> "Stemmer.Stemmer | None":
    """The Snowball stemmer of a language, or None for one that has none."""
    name = _STEMMERS.get(language)
    return Stemmer.Stemmer(name) if name else None


def of(text: str, locale: str) -> str:
    """The language of a text, as a code of two letters: by its script, its stop words, else its locale."""
    sample = text[:_SAMPLE]
    if _URDU.search(sample):
        return "ur"
    if len(_ARABIC.findall(sample)) * 3 > len(sample):
        return "ar" if locale != "fa" else "fa"
    own = locale.split("-")[0].lower()
    found = _WORD.findall(sample.lower())
    by_script = _of_script(sample, sum(map(len, found)))
    if by_script:
        # Japanese may be written in the letters of Chinese alone.
        return own if (by_script, own) == ("zh", "ja") else by_script
    said: Counter[str] = Counter()
    for word in found:
        said.update(_languages_of().get(word, ()))
    shares = {language: count / len(found) for language, count in said.items()}
    likely = max(shares, key=shares.__getitem__, default=DEFAULT)
    # A page of code has few stop words; among languages that share theirs, the site's own wins.
    if shares.get(likely, 0) < MIN_SHARE or shares.get(own, 0) >= 0.8 * shares.get(likely, 0):
        return own or DEFAULT
    return likely


def _of_script(sample: str, letters: int) -> str:
    """The language of a text whose script tells it, where that has a third of the letters; or ""."""
    counts = {language: len(script.findall(sample)) for language, script in _SCRIPTS.items()}
    east = counts["ja"] + counts["zh"]
    counts["ja"], counts["zh"] = (east, 0) if counts["ja"] >= MIN_KANA * east else (0, east)
    likely = max(counts, key=counts.__getitem__)
    return likely if counts[likely] * 3 > letters else ""
