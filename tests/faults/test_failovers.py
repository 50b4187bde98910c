"""A master that dies, stands still or is deposed, with Sentinel and in a Cluster: security rows 26 and 27."""

import asyncio
import contextlib
from functools import partial

import pytest

from tests.faults.readers import back, readers_of
from tests.topologies.clusters import clustered
from tests.topologies.nodes import eventually
from tests.topologies.sentinels import MASTER, watched

pytestmark = pytest.mark.alone
WHOLE = partial(clustered, (0, 1, 2))


@pytest.fixture(params=[watched, WHOLE], ids=["sentinel", "cluster"])
def together(request):
    with request.param() as together:
        yield together


def has_moved(together, victim):
    def moved():
        return together.successor(victim) is not None

    return moved


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_a_master_that_is_gone(together, tmp_path, fault):
    async with readers_of(together, tmp_path) as (readers, victim):
        async with readers.asking():
            await asyncio.sleep(0.5)
            getattr(victim, fault)()
            await back(readers, has_moved(together, victim))
            if fault == "freeze":
                # It wakes as the master that it was, until it is told otherwise.
                victim.thaw()
                await asyncio.sleep(1)
        assert await readers.is_answered()
        assert len(readers.ended) > 5
        await readers.all_ended_are_refused()
        assert readers.answers[readers.sub][503] > 0
        if hasattr(together, "key"):
            # The masters of the others were well all the time.
            assert set(readers.answers[readers.other]) == {200}
        if fault == "freeze":
            await asyncio.to_thread(eventually, lambda: ours(victim) == [])


def ours(node):
    """Connections of the store and of the listener at a server."""
    with node.client() as client:
        here = client.client_id()
        return [
            one for one in client.client_list() if "lib-name=redis-py" in str(one) and one["id"] != str(here)
        ]


async def test_a_master_that_hands_over(together, tmp_path):
    async with readers_of(together, tmp_path) as (readers, victim):
        async with readers.asking():
            async with asyncio.timeout(5):
                while len(readers.ended) < 5:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            successor = hand_over(together, victim)
            await back(readers, successor)
        await readers.all_ended_are_refused()


def hand_over(together, victim):
    if hasattr(together, "key"):
        replica = together.servers[3 + together.servers.index(victim)]
        replica.ask("CLUSTER", "FAILOVER")
    else:
        together.sentinels[0].ask("SENTINEL", "FAILOVER", MASTER)
    return has_moved(together, victim)


async def test_a_master_that_comes_back_empty_lets_no_reader_in(together, tmp_path):
    async with readers_of(together, tmp_path) as (readers, victim):
        # Before a sentinel thinks it down: its replicas take the empty set over.
        victim.kill()
        await asyncio.to_thread(victim.start)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    assert not await readers.is_answered()
