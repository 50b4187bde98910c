"""Writes that a master does not take, or that too few replicas acknowledge."""

import asyncio
import time

import pytest

from edge.redis.client import Store, StoreUnavailable, command
from edge.redis.commands import TRACE
from tests.edge.redis.outages import COUNT
from tests.edge.redis.server_clients import ids


def lacking(node):
    """Its replicas do not acknowledge in time."""
    node.ask("CONFIG", "SET", "hz", "100")
    return lambda: None


def late(node):
    node.ask("CLIENT", "PAUSE", "10000", "WRITE")
    return lambda: node.ask("CLIENT", "UNPAUSE")


def alone_and_strict(node):
    node.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    return lambda: None


def read_only(node):
    node.ask("REPLICAOF", "127.0.0.1", "1")
    return lambda: node.ask("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(
    ("trouble", "write"),
    [(lacking, Store.commit), (late, Store.commit), (alone_and_strict, Store.run), (read_only, Store.run)],
)
async def test_a_master_that_does_not_take_a_write_is_left(lone, trouble, write):
    store = Store(lone.url, time.monotonic, replicas=1)
    await asyncio.gather(*(store.run(COUNT.call(["n"]), TRACE.call(["n"])) for _ in range(lone.pipelines)))
    known = ids(lone.node)
    heal = trouble(lone.node)
    with pytest.raises(StoreUnavailable):
        await write(store, COUNT.call(["n"]))
    heal()
    # Behind its name there may be another server by now, so what reads is connected anew.
    await asyncio.gather(*(store.run(command("GET", "n")) for _ in range(lone.pipelines)))
    assert known & ids(lone.node) == set()
    await store.close()


async def test_writes_of_one_turn_wait_for_the_replicas_together(lone):
    lone.node.ask("CONFIG", "SET", "hz", "100")
    store = Store(lone.url, time.monotonic, replicas=1)
    # Both are known to the server from here on.
    await store.run(COUNT.call(["n"]), TRACE.call(["n"]))
    writes = (store.commit(COUNT.call([f"k{number}"])) for number in range(20))
    refusals = await asyncio.gather(*writes, return_exceptions=True)
    # Each by itself takes three quarters of the deadline.
    assert {str(one) for one in refusals} == {"too few replicas acknowledged a write"}
    assert await store.run(*(command("GET", f"k{number}") for number in range(20))) == [b"1"] * 20
    await store.close()


async def test_a_master_without_its_replicas_is_not_connected_to_for_every_refusal(lone):
    def connections():
        with lone.node.client() as client:
            return int(client.info("stats")["total_connections_received"])

    lone.node.ask("CONFIG", "SET", "hz", "100")
    store = Store(lone.url, lambda: 0.0, replicas=1)
    before = connections()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.commit(COUNT.call(["n"]))
        await asyncio.gather(*(store.run(command("GET", "n")) for _ in range(lone.pipelines)))
    lone.node.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await store.run(COUNT.call(["n"]))
    await store.close()
    # The reads' and that of commits, once more when there was a doubt, and the test's own.
    assert connections() - before <= 2 * (lone.pipelines + 1) + 2
