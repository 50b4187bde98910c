"""Whether a book answers: the kinds of evidence, and how much of it is enough."""

import pytest

from rag_backend.search import index
from rag_backend.search.judging import NEEDED, Evidence
from rag_backend.search.query import search
from tests.rag_backend.books import OVEN, write


@pytest.mark.parametrize(
    ("evidence", "is_enough"),
    [
        (Evidence(), False),
        (Evidence(coverage=0.37), True),
        (Evidence(coverage=0.36), False),
        # The book's own words make up for those that it lacks, and words of English for none.
        (Evidence(coverage=0.25, affinity=0.85), True),
        (Evidence(coverage=0.25, affinity=0.75), False),
        (Evidence(coverage=0.5, affinity=-1.0), False),
        # A passage has to stand out further than one in fourteen does by chance.
        (Evidence(coverage=0.37, standing=1.5), True),
        (Evidence(coverage=0.37, standing=1.4), False),
        (Evidence(coverage=0.25, standing=1.95), True),
        (Evidence(coverage=0.25, standing=1.85), False),
        (Evidence(coverage=0.0, affinity=-1.5, standing=3.6), True),
        (Evidence(coverage=0.0, affinity=-1.5, standing=3.3), False),
        (Evidence(coverage=0.0, affinity=-1.5, standing=2.0), False),
    ],
)
def test_coverage_affinity_and_meaning_speak_together(evidence, is_enough):
    assert evidence.is_enough is is_enough


@pytest.fixture(scope="module")
def oven(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judging")
    index.build(write(folder / "docs", OVEN), folder / "oven.db")
    return folder / "oven.db"


def affinities(path, question):
    return {term.word: term.affinity for term in search(path, question).terms}


def test_a_word_is_as_near_to_the_book_as_it_is_likelier_there_than_in_english(oven):
    found = affinities(oven, "perlite oven house president mongolia piza")
    assert found["oven"] == found["perlite"] == 5.0
    assert found["piza"] > 2
    assert 0 < found["house"] < found["perlite"]
    # The book lacks both, and does not tell how rare they are.
    assert found["president"] == found["mongolia"] < 0


def test_a_word_that_a_long_book_lacks_is_further_from_it(tmp_path, oven):
    pages = {f"{number}.md": f"# Oven {number}\n\n{'Fire and brick. ' * 60}" for number in range(20)}
    index.build(write(tmp_path / "docs", pages), tmp_path / "long.db")
    assert affinities(tmp_path / "long.db", "mongolia")["mongolia"] < affinities(oven, "mongolia")["mongolia"]


def test_words_that_readers_put_in_anothers_place_are_near_to_the_book_too(tmp_path):
    index.build(write(tmp_path / "docs", {"a.md": "Remove the cement, remove the sand."}), tmp_path / "a.db")
    found = affinities(tmp_path / "a.db", "delete paint")
    assert found["delete"] > 0 > found["paint"]


def test_another_word_in_its_place_does_not_make_a_word_the_books_own(tmp_path):
    text = "Change the key. A change of the key changes all keys. " * 9
    index.build(write(tmp_path / "docs", {"a.md": text}), tmp_path / "a.db")
    found = affinities(tmp_path / "a.db", "edit change")
    assert found["edit"] == 1.0
    assert found["change"] > 2


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("How many bricks for the dome?", True),
        ("Which mortar for the bricks?", True),
        # Each shares words with the book, which are common in English.
        ("How many people live at that place?", False),
        ("Who won the world cup three weeks ago?", False),
    ],
)
def test_a_common_word_by_chance_is_no_answer(oven, question, answers):
    assert bool(search(oven, question).hits) is answers


def test_a_refusal_says_what_spoke_for_an_answer(oven):
    found = search(oven, "Who was the first president?")
    assert found.hits == ()
    assert found.evidence.total < NEEDED
    assert found.evidence.standing is None
