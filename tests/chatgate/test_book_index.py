import os
from pathlib import Path

import pytest

from chatgate.book_index import SAMPLE_QUESTION, index_book, is_stale, sample_book
from chatgate.faults import Fault
from rag_backend.search import search


@pytest.fixture
def book(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    age(pages, 60)
    return pages


@pytest.fixture
def index(tmp_path, book):
    made = tmp_path / "book.db"
    index_book(book, made)
    return made


def age(folder, seconds):
    """Makes all in a folder look older."""
    for path in (*folder.rglob("*"), folder):
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def test_an_index_is_good_while_nothing_changes(book, index):
    assert not is_stale(book, index)


def test_an_index_that_is_missing_or_none_is_stale(book, index):
    index.write_bytes(b"no index")
    assert is_stale(book, index)
    index.unlink()
    assert is_stale(book, index)


def test_a_changed_an_added_and_a_removed_page_make_it_stale(book, index):
    (book / "one.md").write_text("# One\n\nNow of buoys.\n")
    assert is_stale(book, index)
    age(book, 60)
    assert not is_stale(book, index)
    (book / "two.md").write_text("# Two\n")
    assert is_stale(book, index)
    age(book, 60)
    (book / "two.md").unlink()
    assert is_stale(book, index)


def test_what_a_site_builds_is_not_the_book(book, index):
    (book / "node_modules").mkdir()
    (book / "node_modules" / "new.md").write_text("# New\n")
    then = index.stat().st_mtime - 60
    os.utime(book, (then, then))
    assert not is_stale(book, index)


def test_the_index_of_another_book_is_stale(book, index, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    age(other, 60)
    assert is_stale(other, index)


def test_a_folder_without_pages_leaves_the_index(book, index, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Fault):
        index_book(tmp_path / "empty", index)
    assert not is_stale(book, index)


def test_the_sample_book_answers_the_question_that_is_suggested(tmp_path):
    index_book(sample_book(Path.cwd()), tmp_path / "book.db")
    [best, *_] = search(tmp_path / "book.db", SAMPLE_QUESTION).hits
    assert best.passage.title.endswith("How often to calibrate")
