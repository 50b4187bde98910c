import os

import httpx
import pytest

from tests.chatgate.processes import short_folder
from tests.system.readers import TWO_SITES, Places
from tests.system.stack import Stack
from tests.trust import TRUST


@pytest.fixture(scope="module")
def two_sites():
    """Both services with the sites and clients of tests.system.readers."""
    with short_folder() as folder:
        stack = Stack(folder, TWO_SITES)
        try:
            stack.start_all()
            yield stack
        finally:
            stack.stop_all()


@pytest.fixture
def configured(two_sites, monkeypatch):
    """The command line, as if it was run beside the services."""
    for name in list(os.environ):
        if name.startswith("CHATGATE_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    for name, value in two_sites.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(two_sites.folder)


@pytest.fixture
async def places(two_sites):
    async with httpx.AsyncClient(timeout=15, verify=TRUST) as http:
        yield Places(two_sites.broker, two_sites.proxy, http)
