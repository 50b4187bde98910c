import json

import pytest

from tests.chatgate.command_line import refused, said
from tests.rag_backend.books import OVEN, write


@pytest.fixture
def book(tmp_path):
    return str(write(tmp_path / "docs", OVEN))


def test_ask_shows_the_answer_its_passages_and_why(book):
    shown = said("ask", "How hot for piza?", "--book", book)
    assert "A pizza wants the oven's floor at 400 °C" in shown
    assert "/docs/baking#pizza" in shown
    assert "taken for pizza" in shown
    assert "An answer needs evidence of 0.37" in shown
    assert "coverage" in shown


def test_ask_says_which_word_names_the_book(tmp_path):
    intro = "# Domo\n\nDomo is an oven of bricks.\n\n## Warranty\n\nDomo has one of two years."
    docs = str(write(tmp_path / "docs", OVEN | {"intro.md": intro}))
    shown = said("ask", "What temperature for pizza in Domo?", "--book", docs).splitlines()
    assert [line.partition(":")[0] for line in shown if "names the book" in line] == ["domo"]


def test_ask_tells_scripts_what_it_found_and_whether_it_answers(book):
    told = json.loads(said("ask", "Who won the football championship?", "--book", book, "--json"))
    assert told["answered"] is False
    assert told["evidence"]["total"] < told["needed"]
    told = json.loads(said("ask", "perlite", "--book", book, "--json"))
    assert told["answered"] is True
    assert told["passages"][0]["url"] == "/docs/insulation#perlite"
    assert told["evidence"]["total"] >= told["needed"]
    assert told["passages"][0]["coverage"] == 1.0


def test_evaluate_measures_a_file_of_questions(book, tmp_path):
    lines = [
        {"question": "What temperature for pizza?", "pages": ["baking#pizza"]},
        {"question": "How many fire bricks?", "pages": ["baking"]},
        {"question": "What is the capital of Mongolia?", "pages": []},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    shown = said("evaluate", str(path), "--book", book)
    assert "hit@1: 1 of 2" in shown
    assert "answered though the book does not: 0 of 1" in shown
    assert "missed: How many fire bricks?" in shown
    told = json.loads(said("evaluate", str(path), "--book", book, "--json"))
    assert (told["hit@3"], told["refused"], told["outside"]) == (1, 0, 1)


def test_a_file_of_questions_and_a_question_have_limits(book, tmp_path):
    (tmp_path / "q.jsonl").write_text("no question")
    assert "Line 1" in refused("evaluate", str(tmp_path / "q.jsonl"), "--book", book)
    assert "4000" in refused("ask", "x" * 4001, "--book", book)
