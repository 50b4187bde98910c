"""Words of English that readers and books write differently."""

from pathlib import Path

import pytest

from rag_backend.search import index, query
from rag_backend.search.language import english, synonyms, words
from tests.rag_backend.books import write

BOOK = {
    "accounts.md": "# Accounts\n\n## Deleting\n\nThe clerk erases name and address within thirty days.\n",
    "bees.md": "# Bees\n\n## Stings\n\nScrape the sting out at once, and cool the place under water.\n",
    "honey.md": "# Honey\n\n## Storing\n\nCrystallised honey turns liquid again in a warm bath of water.\n",
    "paint.md": "# Paint\n\n## Shades\n\nThe color of the frame fades after two years of sunlight.\n",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("english")
    index.build(write(folder / "docs", BOOK), folder / "book.db")
    return folder / "book.db"


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("I was stung", "bees#stings"),
        ("honey has crystallized", "honey#storing"),
        ("which colours fade", "paint#shades"),
        ("remove my name", "accounts#deleting"),
    ],
)
def test_a_word_finds_its_other_forms_spellings_and_synonyms(book, question, page):
    hits = query.search(book, question).hits
    assert hits
    assert hits[0].passage.url.endswith(page)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kept", "keeping"),
        ("mice", "mouse"),
        ("children", "child"),
        ("licenses", "licence"),
        ("behaviour", "behavior"),
        ("neighbouring", "neighboring"),
        ("organisations", "organizations"),
        ("analysing", "analyzed"),
    ],
)
def test_forms_have_one_stem(one, other):
    assert words.stem(one) == words.stem(other)


@pytest.mark.parametrize("word", ["hour", "your", "four", "raised", "noise", "basis", "press", "us"])
def test_words_that_only_look_so_stay(word):
    assert english.alike(word) == word


def test_a_word_of_another_language_is_left_alone():
    assert words.stem("found", "de") == words.stemmed("found", "de")[0] != words.stem("found")


def test_each_form_is_of_one_word_and_synonyms_go_both_ways():
    lines = Path(english.__file__).with_name("irregular_forms.txt").read_text("utf-8").splitlines()
    forms = [form for line in lines if not line.startswith("#") for form in line.split()]
    assert sorted(forms) == sorted(set(forms))
    assert words.stem("remove") in synonyms.of(words.stem("deleting"))
    assert words.stem("delete") in synonyms.of(words.stem("removed"))
