"""How well the books of bench/books are found, beside bm25s over the same passages."""

import bm25s
import pytest

from bench import retrieval_books
from rag_backend.search import evaluation, index, query


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    made = {}
    for name in retrieval_books.NAMES:
        docs, made[name] = retrieval_books.write(name, folder), folder / f"{name}.db"
        index.build(docs, made[name])
    return made


def by_search(path):
    return lambda question: [hit.passage.url for hit in query.search(path, question).hits]


def by_bm25s(path):
    with index.opened(path) as connection:
        rows = connection.execute("select version, url, title, language, blocks from passages").fetchall()
    passages = [index.stored(row) for row in rows]
    texts = [f"{passage.title}\n{passage.searched}" for passage in passages]
    ranker = bm25s.BM25()
    ranker.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)

    def ask(question):
        tokens = bm25s.tokenize(question, stopwords="en", show_progress=False)
        places, _ = ranker.retrieve(tokens, k=min(6, len(passages)), show_progress=False)
        return [passages[place].url for place in places[0]]

    return ask


def test_the_search_finds_more_than_bm25s_and_knows_what_is_not_in_the_book(books):
    ours, theirs = [], []
    for name, path in books.items():
        asked = evaluation.read(retrieval_books.questions(name))
        ours += evaluation.run(asked, by_search(path)).outcomes
        theirs += evaluation.run(asked, by_bm25s(path)).outcomes
    found, baseline = evaluation.Result(tuple(ours)), evaluation.Result(tuple(theirs))
    assert (len(found.inside), len(found.outside)) == (120, 33)
    assert found.hits(1) >= baseline.hits(1)
    assert found.hits(3) >= 105 > baseline.hits(3)
    assert found.refused * 20 <= len(found.inside)
    assert found.answered_outside * 10 <= len(found.outside)


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("如何更换电池？", "zh-sensor#更换电池"),
        ("电池", "zh-sensor#更换电池"),
        ("パスワードを忘れた", "ja-network"),
        ("แบตเตอรี่", "th-sensor#การเปลี่ยนแบตเตอรี่"),
        ("كيف أستبدل البطاريات؟", "ar-sensor#استبدال-البطارية"),
        ("بیٹری کب تبدیل کرنی ہے؟", "ur-sensor#بیٹری-تبدیل-کرنا"),
        ("Ladegerät", "de-sensor#batteriewechsel"),
        ("Wechsel der Batterie", "de-sensor#batteriewechsel"),
        ("Batterieladegeräte", "de-sensor#batteriewechsel"),
    ],
)
def test_every_script_and_compound_is_found(books, question, page):
    found = query.search(books["scripts"], question)
    assert any(evaluation.is_at(hit.passage.url, page) for hit in found.hits[:3])


@pytest.mark.parametrize(
    ("name", "question", "corrected"),
    [
        ("relay", "What is a snapshto?", "snapshot"),
        ("relay", "Which comprssion of segmnets?", "segments"),
        ("bees", "varoa mites", "varroa"),
        ("bees", "how to harvst honey", "harvest"),
        ("stash", "dedupilcation of files", "deduplication"),
        ("tally", "How do refnuds work?", "refunds"),
        ("tally", "What is in a wehbook?", "webhook"),
    ],
)
def test_a_misspelt_word_is_taken_for_the_book_s(books, name, question, corrected):
    found = query.search(books[name], question)
    assert corrected in [term.corrected for term in found.terms]
    assert found.hits


@pytest.mark.parametrize(
    ("name", "question"), [("stash", "Who is the president?"), ("tally", "a tree in a park")]
)
def test_a_word_of_english_is_not_taken_for_another(books, name, question):
    assert [term.corrected for term in query.search(books[name], question).terms if term.corrected] == []


def test_words_written_apart_and_together_find_each_other(books):
    hits = query.search(books["stash"], "back up and restore").hits
    assert hits
    assert "back" in [term.word for term in query.search(books["stash"], "back up").terms]
