"""The texts of the broker's pages, and which language a request gets."""

import re
import string
import unicodedata
from importlib import resources

import pytest

from broker.endpoints.login_page import ERRORS
from broker.login.languages import ENGLISH, LANGUAGES, TAGS, choose

FILES = {
    path.name.removesuffix(".toml") for path in resources.files("broker.login").joinpath("texts").iterdir()
}
SCRIPTS = {"ar": "ARABIC", "ur": "ARABIC", "zh-Hans": "CJK", "ja": "HIRAGANA|KATAKANA|CJK"}
SAME_WORD = {("de", "name"), ("es", "error_title"), *((tag, "page_title") for tag in TAGS)}
"""Texts that are the same in English."""


def fields(text):
    return sorted(name for _, name, *_ in string.Formatter().parse(text) if name is not None)


def test_every_file_is_a_language_and_every_language_a_file():
    assert set(TAGS) == FILES
    assert {tag for tag, one in LANGUAGES.items() if one.direction == "rtl"} == {"ar", "ur"}


@pytest.mark.parametrize("tag", TAGS)
def test_every_language_has_every_text_with_its_places(tag):
    texts = LANGUAGES[tag].texts
    assert list(texts) == list(ENGLISH.texts)
    for name, english in ENGLISH.texts.items():
        text = texts[name]
        assert fields(text) == fields(english), name
        # No text is missing, and none is never shown.
        assert text.strip() == text != "", name
        assert not re.search(r"  |[<>&\"\\%]|\[|\]|TODO|\n|\t", text), name
        assert unicodedata.is_normalized("NFC", text), name
        invisible = {letter for letter in text if unicodedata.category(letter) in ("Cf", "Cc")}
        assert invisible == set(), name


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "en"])
def test_every_text_is_in_its_language(tag):
    for name, text in LANGUAGES[tag].texts.items():
        own = re.sub(r"\{\w+\}", "", text)
        if tag in SCRIPTS and any(letter.isalpha() for letter in own):
            assert any(re.match(SCRIPTS[tag], unicodedata.name(letter)) for letter in own), name
            assert not re.search("[A-Za-z]", own), name
        assert (text != ENGLISH.texts[name]) or (tag, name) in SAME_WORD, name


def test_every_error_of_a_form_has_its_text():
    assert {one.text for one in ERRORS.values()} | {"try_again"} <= ENGLISH.texts.keys()


@pytest.mark.parametrize(
    ("ui_locales", "accept_language", "expected"),
    [
        ("", "", "en"),
        ("de", "", "de"),
        ("DE-ch", "", "de"),
        ("fr-CA fr en", "de", "fr"),
        ("pl ja en", "de", "ja"),
        ("pl", "de", "de"),
        ("pl", "", "en"),
        ("zh", "", "zh-Hans"),
        ("zh-CN", "", "zh-Hans"),
        ("zh-Hans-HK", "", "zh-Hans"),
        ("zh-TW", "", "en"),
        ("zh-Hant", "es", "es"),
        ("zh-Hant-HK", "", "en"),
        ("ur-PK", "", "ur"),
        ("ar-EG", "", "ar"),
        # Misshapen, so as if not sent.
        (" de", "fr", "fr"),
        ("de  en", "fr", "fr"),
        ("de,fr", "es", "es"),
        ("de_DE", "es", "es"),
        ("de\n", "es", "es"),
        ("../de", "es", "es"),
        (" ".join(["de"] * 25), "es", "es"),
        ("d" * 9, "es", "es"),
        ("", "de", "de"),
        ("", "pl, de;q=0.5, fr;q=0.9", "fr"),
        ("", "de;q=0.5,es;q=0.5", "de"),
        ("", "de;q=0, en;q=0.1", "en"),
        ("", "de;q=0", "en"),
        ("", "zh-TW,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("", "*", "en"),
        ("", "ja;q=1.000 ,de;q=0.9", "ja"),
        ("", "ja;q=2,de", "de"),
        ("", "ja;q=1.5,de;level=1,fr;q=.5,es", "es"),
        ("", ",,;;,de", "de"),
        ("", "de" + "," * 600, "en"),
        ("", "\xff,de", "de"),
    ],
)
def test_the_site_chooses_then_the_browser_then_it_is_english(ui_locales, accept_language, expected):
    assert choose(ui_locales, accept_language).tag == expected
