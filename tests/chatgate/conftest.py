import os

import pytest
import redis

from tests.chatgate.processes import short_folder
from tests.valkey import PATIENT_S
from tokens import liveness


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


@pytest.fixture
def home(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_REDIS_DEADLINE_SECONDS", str(PATIENT_S))
    with redis.Redis.from_url(valkey.url) as client:
        client.hset(liveness.CUT, mapping={"all": 0, "kids": "k1", "ring": 1})
    return at_home


@pytest.fixture
def server(valkey):
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        yield client
