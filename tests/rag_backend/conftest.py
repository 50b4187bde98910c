import pytest

from rag_backend import index
from tests.rag_backend.books import SAMPLE


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "book.db"
    index.build(SAMPLE, path)
    return path
