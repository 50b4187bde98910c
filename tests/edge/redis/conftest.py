"""Stores over servers of each topology, and over one server that a test may harm."""

import time

import pytest

from edge.redis.client import Store
from tests.topologies.alone import alone
from tests.valkey import PATIENT_S


@pytest.fixture
def deadline():
    return PATIENT_S


@pytest.fixture
async def store(together, deadline):
    store = Store(together.url, time.monotonic, deadline=deadline)
    yield store
    await store.close()


@pytest.fixture
def lone():
    with alone() as server:
        yield server


@pytest.fixture
async def lone_store(lone, deadline):
    store = Store(lone.url, time.monotonic, deadline=deadline)
    yield store
    await store.close()
