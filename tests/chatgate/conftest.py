import os

import pytest

from tests.chatgate.processes import short_folder


@pytest.fixture
def folder():
    with short_folder() as made:
        yield made


@pytest.fixture
def at_home(folder, monkeypatch):
    """An empty working folder and no variable of ours, as in a clone."""
    for name in list(os.environ):
        if name.startswith("CHATGATE_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    return folder
