"""The map of a Cluster: how it is found, and what happens to keys that move."""

import asyncio

import pytest
from redis.crc import key_slot

from edge.redis.client import Script, Store, StoreUnavailable, command
from tests.edge.redis.outages import COUNT, back
from tests.edge.redis.topologies.stores import in_haste, store_of
from tests.topologies.clusters import SLOTS, clustered
from tests.topologies.nodes import eventually


def moved(cluster, key, source, target):
    """Set a slot free to go, as a resharding does, and answer what finishes it."""
    slot = key_slot(key.encode())
    target_id = target.ask("CLUSTER", "MYID")
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)

    def finish():
        for node in (target, source):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        # A node that has not heard of this move's epoch makes none of its own when the slot moves back: then
        # both nodes name the other for good.
        eventually(lambda: len({epoch(one) for one in cluster.servers[:3]}) == 1)

    return finish


def epoch(node):
    return next(one for one in node.ask("CLUSTER", "INFO").split() if one.startswith("cluster_current_epoch"))


@pytest.mark.parametrize("replicas", [0, 1])
async def test_a_command_whose_key_had_moved_is_run_once(cluster, replicas):
    _, source, target = cluster.servers[:3]
    key, resident, other = cluster.key(1, "moving"), cluster.key(1, "staying"), cluster.key(2)
    async with store_of(cluster, replicas=replicas) as store:

        async def count():
            return await store.commit(COUNT.call([other]), COUNT.call([key]), COUNT.call([resident]))

        assert await count() == [1, 1, 1]
        await store.run(command("DEL", key))
        finish = moved(cluster, key, source, target)
        target.ask("SCRIPT", "FLUSH")
        # ASK: the source has it no more, and the target takes it from a client that says that it was sent.
        assert await store.commit(COUNT.call([key]), COUNT.call([resident])) == [1, 2]
        finish()
        # MOVED, as the map that is known is of before.
        assert await count() == [2, 2, 3]
        assert await count() == [3, 3, 4]
        await store.run(command("DEL", key))
        moved(cluster, key, target, source)()
        assert await count() == [4, 1, 5]


async def test_while_a_resharding_parts_the_keys_of_a_script_it_is_refused_and_not_run(cluster):
    _, source, target = cluster.servers[:3]
    tag = cluster.key(1, "parted")
    here, gone = f"{{{tag}}}a", f"{{{tag}}}b"
    both = Script("return {redis.call('INCR', KEYS[1]), redis.call('INCR', KEYS[2])}")
    async with store_of(cluster) as store:
        await store.run(COUNT.call([here]))
        finish = moved(cluster, tag, source, target)
        with pytest.raises(StoreUnavailable):
            await store.run(both.call([here, gone]))
        assert await store.run(command("GET", here)) == [b"1"]
        await store.run(command("DEL", here))
        finish()
        assert await store.run(both.call([here, gone])) == [[1, 1]]
        await store.run(command("DEL", here, gone))
        moved(cluster, tag, target, source)()


async def test_a_cluster_is_found_by_any_node_that_is_up(cluster):
    replica = cluster.servers[3]
    nobody = "127.0.0.1:1"
    async with store_of(cluster, f"redis+cluster://{nobody},{replica.address}") as store:
        assert await store.run(*(COUNT.call([cluster.key(at)]) for at in range(3))) == [1, 1, 1]


def looks(nodes):
    """How often these nodes were asked for the map."""
    return sum(one.ask("INFO", "commandstats")["cmdstat_cluster|slots"]["calls"] for one in nodes)


async def test_many_look_at_the_map_as_one(cluster):
    nodes = cluster.servers[:3]
    for node in nodes:
        node.ask("CLUSTER", "SLOTS")
    before = looks(nodes)
    async with store_of(cluster) as store:
        await asyncio.gather(*(store.run(command("GET", f"k{number}")) for number in range(100)))
    # Once each, of the three that are listed.
    assert looks(nodes) - before <= 3


async def test_a_cluster_in_trouble_is_not_asked_for_its_map_at_every_refusal(cluster):
    lonely, *others = cluster.servers[:3]
    store = Store(cluster.url, lambda: 0.0)
    await store.run(command("GET", cluster.key(0)))
    before = looks(others)
    lonely.freeze()
    try:
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await store.run(command("GET", cluster.key(0)))
    finally:
        lonely.thaw()
    assert looks(others) == before
    await store.close()


async def test_a_cluster_that_was_formed_anew_is_found():
    with clustered(()) as cluster:
        node = cluster.servers[0]
        store = Store(f"redis+cluster://{node.address}", in_haste)
        await asyncio.gather(*(store.run(COUNT.call([cluster.key(at)])) for at in range(3)))
        for one in cluster.servers:
            one.kill()
        (node.folder / "nodes.conf").unlink()
        node.start()
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        await back(store, cluster.key(2))
        await store.close()
