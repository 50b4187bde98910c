"""An index that is searched by words until its vectors are made."""

import os
import sqlite3
import threading
from contextlib import closing

import pytest

from rag_backend.book.docusaurus.site import BookError
from rag_backend.search import index, replacing, unfinished, vectors
from rag_backend.search.embedding import BATCH
from rag_backend.search.query import search
from tests.chatgate.processes import until
from tests.embeddings import serving
from tests.processes import PATIENCE_S
from tests.rag_backend.books import write

FRUITS = ("kiwi", "mango", "papaya")
PAGES = {f"{name}.md": f"# {name.title()}\n\nThe {name} is ripe." for name in FRUITS}
MANY = {f"{n:02}.md": f"# Page {n}\n\nThere are {n} plums." for n in range(2 * BATCH)}


@pytest.fixture
def model():
    with serving() as server:
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "book.db"


def by_words(docs, path, model, **options):
    """Indexes the book, and returns the texts that the model was asked about."""
    before = len(model.asked)
    index.build(docs, path, embedding=model.model, makes_vectors=False, **options)
    return model.asked[before:]


def completed(path, model, progress=None):
    """Makes the vectors that are missing, and returns the passages that the model was asked about."""
    before = len(model.asked)
    index.complete(path, model.model, progress)
    return [text for text in model.asked[before:] if "\n" in text]


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        names = ("passages", "vectors", "meta", "vocabulary", "stems")
        return {name: sorted(connection.execute(f"select * from {name}")) for name in names}


def test_an_index_by_words_is_completed_to_what_a_whole_build_makes(tmp_path, path, model):
    docs = write(tmp_path / "docs", PAGES)
    assert by_words(docs, path, model, base_url="/my/") == []
    assert not index.has_vectors(path, model.model)
    assert search(path, "mango", embedding=model.model).hits[0].passage.url == "/my/docs/mango"
    assert model.asked == []
    assert len(completed(path, model)) == 3
    assert index.has_vectors(path, model.model)
    search(path, "mango", embedding=model.model)
    assert model.asked[-1] == "mango"
    whole = tmp_path / "whole.db"
    index.build(docs, whole, embedding=model.model, base_url="/my/")
    assert tables(path) == tables(whole)


def test_vectors_that_are_there_are_not_made_again_and_those_of_passages_that_are_gone_are_dropped(
    tmp_path, path, model
):
    docs = write(tmp_path / "docs", PAGES)
    index.build(docs, path, embedding=model.model)
    write(docs, {"mango.md": "# Mango\n\nThe mango is green."})
    (docs / "kiwi.md").unlink()
    assert by_words(docs, path, model) == []
    assert not index.has_vectors(path, model.model)
    assert by_words(docs, path, model) == []
    assert completed(path, model) == ["Mango\nThe mango is green."]
    assert len(vectors.known(path)) == 2


def test_an_index_whose_passages_stay_has_their_vectors_at_once(tmp_path, path, model):
    docs = write(tmp_path / "docs", PAGES)
    index.build(docs, path, embedding=model.model)
    before = tables(path)
    assert by_words(docs, path, model, route="handbook") == []
    assert index.has_vectors(path, model.model)
    assert tables(path)["vectors"] == before["vectors"]
    assert search(path, "mango").hits[0].passage.url == "/handbook/mango"


def test_vectors_made_before_an_interruption_are_kept_until_an_index_has_them(tmp_path, path, model):
    docs = write(tmp_path / "docs", MANY)
    by_words(docs, path, model)

    def interrupt(done, _):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        completed(path, model, interrupt)
    assert len(model.asked) == BATCH
    assert by_words(docs, path, model) == []
    assert not index.has_vectors(path, model.model)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["book.db", "docs"]
    with pytest.raises(KeyboardInterrupt):
        index.build(docs, path, embedding=model.model, progress=interrupt_at(BATCH))
    assert completed(path, model) == []
    assert len(set(model.asked[: 2 * BATCH])) == 2 * BATCH
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["book.db", "docs"]


def interrupt_at(missing):
    def interrupt(done, total):
        if done == total == missing:
            raise KeyboardInterrupt

    return interrupt


def test_a_line_that_was_cut_takes_no_other_vector_with_it_but_the_next(path):
    one, two, three = ({bytes([n]) * unfinished.DIGEST: bytes([n, n])} for n in (1, 2, 3))
    unfinished.add(path, one)
    (file,) = path.parent.iterdir()
    line = file.read_bytes()
    for length in range(1, len(line)):
        file.write_bytes(line + line[:length])
        assert unfinished.read(path) == one
        unfinished.add(path, two)
        unfinished.add(path, three)
        assert unfinished.read(path) == one | three


def test_an_index_that_takes_its_place_meanwhile_is_kept(tmp_path, path, model):
    docs = write(tmp_path / "docs", PAGES)
    by_words(docs, path, model)

    def replace(done, _):
        if done:
            write(docs, {"plum.md": "The plum is blue."})
            index.build(docs, path)

    with pytest.raises(BookError, match="Another index has taken the place"):
        completed(path, model, replace)
    assert search(path, "plum").hits
    assert not index.has_vectors(path, model.model)


def test_vectors_of_another_length_are_made_again(tmp_path, path, model):
    docs = write(tmp_path / "docs", PAGES)
    index.build(docs, path, embedding=model.model)
    model.length -= 1
    write(docs, {"mango.md": "# Mango\n\nThe mango is green."})
    assert by_words(docs, path, model) == []
    assert len(completed(path, model)) == 3
    assert index.has_vectors(path, model.model)
    assert {len(vector) for vector in vectors.known(path).values()} == {model.length}


def test_an_index_that_takes_its_place_during_a_question_is_searched_by_its_own_vectors(
    tmp_path, path, model
):
    docs = write(tmp_path / "docs", PAGES)
    index.build(docs, path, embedding=model.model)
    model.answer(0)
    asking = threading.Thread(target=search, args=[path, "mango"], kwargs={"embedding": model.model})
    asking.start()
    until(lambda: model.asked[-1] == "mango")
    write(docs, {"apple.md": "# Apple\n\nThe apple is red."})
    with serving() as other:
        index.build(docs, path, embedding=other.model)
    model.answer()
    asking.join()
    with index.opened(path) as connection:
        near = vectors.near(connection, path, model.model.question("Apple\nThe apple is red."), 1)
        url = "select url from passages where id = ?"
        assert connection.execute(url, list(near)).fetchone() == ("/docs/apple",)


@pytest.mark.parametrize("others", [True, False])
def test_vectors_are_kept_unless_the_index_that_took_the_place_has_them(tmp_path, path, model, others):
    docs = write(tmp_path / "docs", MANY)
    by_words(docs, path, model)

    def replace(done, total):
        if 0 < done < total:
            index.build(docs, path, embedding=model.model if others else None)

    with pytest.raises(replacing.Replaced):
        completed(path, model, replace)
    assert index.has_vectors(path, model.model) == others
    assert path.with_name(".book.db.vectors").exists() != others


def test_an_index_that_takes_its_place_while_the_new_one_is_committed_is_kept(tmp_path, path):
    docs = write(tmp_path / "docs", PAGES)
    newer = tmp_path / "newer.db"
    index.build(docs, path)
    write(docs, {"plum.md": "The plum is blue."})
    index.build(docs, newer)
    with pytest.raises(replacing.Replaced):
        succeed(path, newer)
    assert search(path, "plum").hits
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["book.db", "docs"]


def succeed(path, newer):
    """Replaces the index at `path`, whose place `newer` takes when the commit has begun."""
    reads = threading.Event()

    def put_off(name):
        # SQLite commits when the last reader has left, and lets no further one in until then.
        with closing(sqlite3.connect(name)) as reader:
            reader.execute("begin")
            reader.execute("select * from a").fetchall()
            reads.set()
            until(lambda: not is_readable(name), PATIENCE_S)
            os.replace(newer, path)

    with replacing.successor(path, replacing.identity(path)) as connection:
        connection.execute("create table a (b)")
        connection.execute("insert into a values (1)")
        (name,) = path.parent.glob(".book.db.????????")
        threading.Thread(target=put_off, args=[name]).start()
        reads.wait(PATIENCE_S)


def is_readable(name):
    with closing(sqlite3.connect(name, timeout=0)) as connection:
        try:
            connection.execute("select * from a").fetchall()
        except sqlite3.OperationalError:
            return False
    return True


def test_the_files_of_killed_writers_go_with_the_next_index(tmp_path, path):
    docs = write(tmp_path / "docs", PAGES)
    old = [".book.db.a1b2c3_d", ".book.db.a1b2c3_d-journal"]
    others = [".book.db.vectors.old", ".book.db.a1b2c3_d.copy", "xbook.db.a1b2c3_d", ".other.db.a1b2c3_d"]
    for name in (*old, *others, ".book.db.under_wy"):
        (tmp_path / name).touch()
    for name in (*old, *others):
        os.utime(tmp_path / name, (0, 0))
    index.build(docs, path)
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left == {"book.db", "docs", ".book.db.under_wy", *others}


def test_a_model_that_fails_leaves_the_index_by_words(tmp_path, path, model):
    docs = write(tmp_path / "docs", PAGES)
    by_words(docs, path, model)
    model.status = 500
    with pytest.raises(BookError, match="it answered 500"):
        completed(path, model)
    assert search(path, "mango", embedding=model.model).hits
    model.status = 200
    assert len(completed(path, model)) == 3
