"""Servers of each form, which the tests of one module share."""

import pytest

from tests.topologies.clusters import clustered
from tests.topologies.sentinels import watched


@pytest.fixture(scope="module")
def started_cluster():
    with clustered() as together:
        yield together


@pytest.fixture
def cluster(started_cluster):
    started_cluster.each("FLUSHALL")
    return started_cluster


@pytest.fixture(scope="module")
def sentinels():
    with watched() as together:
        yield together
