"""A write counts once enough replicas of its own key's master have it."""

import asyncio
import contextlib
import time

import pytest

from edge.redis.client import Script, StoreUnavailable, command
from tests.edge.redis.outages import COUNT
from tests.edge.redis.topologies.stores import store_of
from tests.stalls import promptly
from tests.topologies.alone import alone
from tests.topologies.nodes import eventually


async def test_a_write_counts_when_a_replica_of_its_own_master_has_it(cluster):
    lonely, first, second = (cluster.key(at) for at in range(3))
    # How exactly a server keeps a blocked client's time: otherwise the flight's deadline may come first.
    cluster.each("CONFIG", "SET", "hz", "100")
    one, two, three = (command("INCR", key) for key in (lonely, first, second))
    async with store_of(cluster, replicas=1) as store:
        assert await store.commit(two) == [1]
        assert await store.commit(two, three, command("PING")) == [2, 1, b"PONG"]
        # The other masters have their replicas: a client that asked one of them would call this acknowledged.
        await unacknowledged(store, one)
        await unacknowledged(store, two, one)
        # It is unknown and not undone, as promised; and it was tried again where it came to nothing.
        made = await store.run(command("GET", lonely), command("GET", first))
        assert int(made[0]) >= 2
        assert int(made[1]) >= 3


async def test_a_read_beside_a_write_needs_no_replica(cluster):
    lonely, first = (cluster.key(at) for at in range(2))
    async with store_of(cluster, replicas=1) as store:
        await store.run(command("HSET", lonely, "a", 1))
        assert await store.commit(command("HGETALL", lonely), COUNT.call([first])) == [{b"a": b"1"}, 1]


async def test_a_script_that_had_to_be_loaded_is_acknowledged_like_any_other(cluster):
    key, replica = cluster.key(1), cluster.servers[3]
    async with store_of(cluster, replicas=1) as store:
        await store.commit(command("GET", key))
        cluster.each("SCRIPT", "FLUSH")
        eventually(lambda: is_up_to_date(cluster.servers[1]))
        replica.freeze()
        try:
            # A WAIT that was sent with what did not run is answered at once, as nothing is lacking.
            with pytest.raises(StoreUnavailable):
                await store.commit(COUNT.call([key]))
        finally:
            replica.thaw()
        await acknowledged(store, command("SET", key, "1"))


def is_up_to_date(master):
    _, written, [(_, _, acknowledged)] = master.ask("ROLE")
    return int(written) == int(acknowledged)


END = Script("return redis.call('DEL', KEYS[1])")


@pytest.fixture(params=["cluster", "sentinels"])
def followed(request):
    """Servers, a key, how many replicas its master has, and one of these."""
    together = request.getfixturevalue(request.param)
    if request.param == "cluster":
        return together, together.key(1), 1, together.servers[3]
    return together, "k", 2, next(one for one in together.servers if one.ask("ROLE")[0] == "slave")


async def test_a_write_that_is_found_done_is_acknowledged_once_the_replicas_have_it(followed):
    together, key, replicas, replica = followed
    async with store_of(together, replicas=replicas) as store:
        await store.commit(command("SET", key, "1"))
        replica.freeze()
        try:
            # The first ends it, at the master alone; the others find it ended.
            for _ in range(3):
                await unacknowledged(store, END.call([key]))
            assert await store.run(command("GET", key)) == [None]
        finally:
            replica.thaw()
        assert await acknowledged(store, END.call([key])) == [0]


async def unacknowledged(store, *calls):
    """Refused for the want of a replica, and not by a connection that has just failed."""
    while True:
        with pytest.raises(StoreUnavailable) as refusal:
            await store.commit(*calls)
        if "replicas" in str(refusal.value):
            return
        await asyncio.sleep(0.02)


async def test_to_be_acknowledged_changes_nothing(cluster):
    tag = cluster.key(1)
    lasting, passing, absent = (f"{{{tag}}}{name}" for name in ("lasting", "passing", "absent"))
    look = Script("return redis.call('TYPE', KEYS[1])")
    until = (int(time.time()) + 60) * 1000
    async with store_of(cluster, replicas=1) as store:
        await store.commit(command("HSET", lasting, "a", 1), command("SET", passing, "1", "PXAT", until))
        cluster.each("CONFIG", "SET", "maxmemory", "1")
        try:
            found = await store.commit(*(look.call([key]) for key in (lasting, passing, absent)))
        finally:
            cluster.each("CONFIG", "SET", "maxmemory", "0")
        assert found == [b"hash", b"string", b"none"]
        ends = (command("PEXPIRETIME", key) for key in (lasting, passing, absent))
        assert await store.run(*ends) == [-1, until, -2]
        assert await store.run(command("HGETALL", lasting), command("GET", passing)) == [{b"a": b"1"}, b"1"]


async def acknowledged(store, call):
    async with asyncio.timeout(3):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.commit(call)
            await asyncio.sleep(0.02)


async def test_more_replicas_than_there_are_never_acknowledge(cluster, sentinels):
    async with store_of(cluster, replicas=2) as store:
        with pytest.raises(StoreUnavailable):
            await store.commit(COUNT.call([cluster.key(1)]))
    async with store_of(sentinels, replicas=2) as store:
        assert await store.commit(command("SET", "a", "1")) == [b"OK"]
    async with store_of(sentinels, replicas=3) as store:
        with pytest.raises(StoreUnavailable):
            await store.commit(command("SET", "a", "1"))


def has_blocked(server):
    """A client waits there for an acknowledgement."""
    with server.client() as client:
        return client.info("clients")["blocked_clients"] > 0


async def test_reads_do_not_wait_behind_the_acknowledgement_of_writes():
    with alone() as server:
        async with store_of(server, replicas=1) as store:
            await asyncio.gather(*(store.run(command("GET", "a")) for _ in range(2)))
            writes = [asyncio.create_task(store.commit(COUNT.call([f"k{number}"]))) for number in range(4)]
            await asyncio.to_thread(eventually, lambda: has_blocked(server))
            async with promptly(0.1):
                await asyncio.gather(*(store.run(command("GET", "a")) for _ in range(4)))
            refusals = await asyncio.gather(*writes, return_exceptions=True)
            assert {type(one) for one in refusals} == {StoreUnavailable}
