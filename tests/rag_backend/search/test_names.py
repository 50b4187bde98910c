"""A question is no nearer to an answer by naming what the book is about."""

import pytest

from rag_backend.book.plain_text import Block
from rag_backend.search import embedding, index, names
from rag_backend.search.passages import Passage
from rag_backend.search.query import search
from tests.rag_backend.books import write

PAGES = {
    "cards.md": "# Cards\n\nKiln takes cards of all banks. A card is charged at once.",
    "intro.md": "# Welcome\n\nKiln is an interface for payments. Keys are made in the dashboard.",
    "hooks.md": "# Webhooks\n\nKiln signs each webhook. Compare the signature with your secret.",
    "refunds.md": "# Refunds\n\nKiln returns the money of a refund to the card within ten days.",
    "keys.md": "# Keys\n\nA key is sent as a bearer token. Keys of the sandbox move no money.",
}


def book(folder, pages=PAGES, config=""):
    write(folder, {f"docs/{name}": text for name, text in pages.items()})
    if config:
        write(folder, {"docusaurus.config.js": f"export default {{ {config} }}"})
    model = embedding.installed()
    index.build(folder / "docs", folder / "book.db", embedding=model)
    return folder / "book.db"


@pytest.fixture(scope="module")
def kiln(tmp_path_factory):
    return book(tmp_path_factory.mktemp("names"))


def evidence(path, question, model=None):
    return search(path, question, embedding=model).evidence


@pytest.mark.parametrize("by_meaning", [False, True])
@pytest.mark.parametrize(
    ("named", "bare"),
    [
        ("Does Kiln sell gift cards?", "Does sell gift cards?"),
        ("Does kiln sell gift cards?", "Does sell gift cards?"),
        ("Can I pay in Kiln's shop for parking?", "Can I pay in 's shop for parking?"),
    ],
)
def test_a_name_speaks_neither_for_an_answer_nor_against_one(kiln, named, bare, by_meaning):
    model = embedding.installed() if by_meaning else None
    found, wanted = evidence(kiln, named, model), evidence(kiln, bare, model)
    assert (found.coverage, found.affinity) == pytest.approx((wanted.coverage, wanted.affinity))
    assert found.standing == pytest.approx(wanted.standing)


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Does Kiln offer lottery tickets?", False),
        ("Does Kiln have an iPhone app?", False),
        ("How does Kiln sign a webhook?", True),
        ("How long does a refund take with Kiln?", True),
        # It asks for nothing else.
        ("What is Kiln?", True),
    ],
)
@pytest.mark.parametrize("by_meaning", [False, True])
def test_a_question_is_judged_by_what_else_it_says(kiln, question, answers, by_meaning):
    model = embedding.installed() if by_meaning else None
    assert bool(search(kiln, question, embedding=model).hits) is answers


def test_the_title_of_the_site_names_the_book(tmp_path):
    pages = {name: text.replace("Kiln", "kiln") for name, text in PAGES.items() if name != "intro.md"}
    named, bare = "Does kiln sell gift cards?", "Does sell gift cards?"
    untitled, titled = book(tmp_path / "a", pages), book(tmp_path / "b", pages, "title: 'The kiln manual'")
    assert evidence(untitled, named).affinity > evidence(untitled, bare).affinity
    assert evidence(titled, named) == evidence(titled, bare)


def passage(page, title, text):
    return Passage("", page, title, (Block("title", title), Block("text", text)))


@pytest.mark.parametrize(
    ("pages", "title", "found"),
    [
        # The words of the title that are in a tenth of the passages.
        ([("/docs/a", "Setup", "the setup")], "Kiln Docs", ["kiln"]),
        ([("/docs/a", "Setup", "the setup")], "Rare docs", []),
        ([("/docs/a", "Setup", "the setup")], "The and", []),
        # Those with a capital of the front page, which is the highest page with the name of one.
        ([("/docs/a", "Kiln", "A start.")], "", ["kiln"]),
        ([("/docs/a", "Setup", "Kiln is a tool. Oven is none.")], "", ["kiln"]),
        ([("/docs/a", "Setup", "A kiln is hot.")], "", []),
        ([("/docs/a", "Setup", "Oven"), ("/docs/intro", "Welcome", "Kiln is hot")], "", ["kiln"]),
        ([("/docs/a/intro", "Setup", "Oven"), ("/docs/", "Welcome", "Kiln is hot")], "", ["kiln"]),
    ],
)
def test_names_are_of_the_title_and_the_front_page(pages, title, found):
    passages = [passage(*page) for page in pages]
    passages += [passage("/docs/z", "Z", "z")] * (20 - len(passages))
    assert names.of(passages, title, {"kiln": 2, "oven": 2, "rare": 1, "the": 20}) == found


def test_a_text_keeps_all_but_the_names():
    assert names.without("Does Kiln sell\nthe kilns of KILN?", {"kiln"}) == "Does sell the kilns of ?"
