import pytest

from rag_backend.search import index
from tests.rag_backend.answers.model_server import running
from tests.rag_backend.books import OVEN, backend, write
from tests.sample_book import indexed


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "book.db"
    path.write_bytes(indexed())
    return path


@pytest.fixture(scope="session")
def oven_index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oven")
    index.build(write(folder / "docs", OVEN), folder / "book.db")
    return folder / "book.db"


@pytest.fixture
async def server():
    async with running() as server:
        yield server


@pytest.fixture
async def client(sample_index):
    """A client of a backend with the sample book."""
    async with backend(sample_index) as client:
        yield client
