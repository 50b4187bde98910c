import shutil
import tempfile
from pathlib import Path

import pytest

from tests.valkey import Valkey


@pytest.fixture
def valkey():
    # Short, because a unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cg", dir="/tmp"))
    server = Valkey(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)
