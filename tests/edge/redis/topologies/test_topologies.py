"""Promises for Sentinel or Cluster alone: acknowledgement at the key's master, and masters that move."""

import asyncio
import contextlib
import time

import pytest
from redis.crc import key_slot

from edge.redis.client import Script, Store, StoreUnavailable, command
from edge.redis.topologies.survey import ANEW_AFTER
from tests.edge.redis.outages import COUNT, back
from tests.stalls import promptly
from tests.topologies.alone import alone
from tests.topologies.clusters import SLOTS, clustered
from tests.topologies.nodes import eventually
from tests.topologies.sentinels import MASTER, watched


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


@contextlib.asynccontextmanager
async def store_of(together, url=None, **options):
    store = Store(url or together.url, time.monotonic, **options)
    try:
        yield store
    finally:
        await store.close()


async def test_a_write_counts_when_a_replica_of_its_own_master_has_it(cluster):
    lonely, first, second = (cluster.key(at) for at in range(3))
    # How exactly a server keeps a blocked client's time: otherwise the flight's deadline may come first.
    cluster.each("CONFIG", "SET", "hz", "100")
    one, two, three = (command("INCR", key) for key in (lonely, first, second))
    async with store_of(cluster, replicas=1) as store:
        assert await store.commit(two) == [1]
        assert await store.commit(two, three, command("PING")) == [2, 1, b"PONG"]
        # The other masters have their replicas: whoever asked one of them would call this acknowledged.
        await unacknowledged(store, one)
        await unacknowledged(store, two, one)
        # It is unknown and not undone, as promised; and it was tried again where it came to nothing.
        made = await store.run(command("GET", lonely), command("GET", first))
        assert int(made[0]) >= 2
        assert int(made[1]) >= 3


async def test_what_is_only_read_beside_a_write_needs_no_replica(cluster):
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


async def test_what_is_found_done_is_not_acknowledged_before_the_replicas_have_it(followed):
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


async def test_reads_do_not_wait_behind_the_acknowledgement_of_writes():
    with alone() as server:
        async with store_of(server, replicas=1) as store:
            await asyncio.gather(*(store.run(command("GET", "a")) for _ in range(2)))
            writes = [asyncio.create_task(store.commit(COUNT.call([f"k{number}"]))) for number in range(4)]
            await asyncio.sleep(0.01)
            async with promptly(0.1):
                await asyncio.gather(*(store.run(command("GET", "a")) for _ in range(4)))
            refusals = await asyncio.gather(*writes, return_exceptions=True)
            assert {type(one) for one in refusals} == {StoreUnavailable}


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
async def test_what_was_not_run_because_its_key_had_moved_is_run_once(cluster, replicas):
    _, source, target = cluster.servers[:3]
    key, resident, other = cluster.key(1, "moving"), cluster.key(1, "staying"), cluster.key(2)
    async with store_of(cluster, replicas=replicas) as store:

        async def count():
            return await store.commit(COUNT.call([other]), COUNT.call([key]), COUNT.call([resident]))

        assert await count() == [1, 1, 1]
        await store.run(command("DEL", key))
        finish = moved(cluster, key, source, target)
        target.ask("SCRIPT", "FLUSH")
        # ASK: the source has it no more, and the target takes it from whoever says that it was sent.
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


async def test_sentinels_that_are_gone_leave_the_master_that_is_known(sentinels):
    async with store_of(sentinels) as store:
        await asyncio.gather(*(store.run(command("SET", "a", "1")) for _ in range(sentinels.pipelines)))
        for sentinel in sentinels.sentinels:
            sentinel.freeze()
        try:
            for _ in range(3):
                assert await store.run(command("GET", "a")) == [b"1"]
                await asyncio.sleep(0.3)
        finally:
            for sentinel in sentinels.sentinels:
                sentinel.thaw()
    async with store_of(sentinels, f"redis+sentinel://127.0.0.1:1/{MASTER}") as store, promptly(0.3):
        with pytest.raises(StoreUnavailable):
            await store.run(command("GET", "a"))


async def test_one_sentinel_of_three_is_enough(sentinels):
    silent = sentinels.sentinels[1:]
    for sentinel in silent:
        sentinel.freeze()
    try:
        async with store_of(sentinels, replicas=2) as store:
            # Within the time of one flight, though nobody knows yet that the others will not answer.
            assert await store.commit(command("SET", "a", "1")) == [b"OK"]
    finally:
        for sentinel in silent:
            sentinel.thaw()


async def test_a_deposed_master_is_left_at_its_first_refusal(sentinels):
    # Both acknowledge: the new master may be the replica that a single acknowledgement did not come from.
    async with store_of(sentinels, replicas=2) as store:
        await store.commit(command("SET", "n", 0))
        old = sentinels.master()
        sentinels.sentinels[0].ask("SENTINEL", "FAILOVER", MASTER)
        counted = 0
        async with asyncio.timeout(10):
            while sentinels.master() is old:
                counted += await _counted(store)
        start = time.monotonic()
        await back(store, "a")
        assert time.monotonic() - start < 3
        counted += await _counted(store)
        assert counted > 0
        # Nothing that was acknowledged is gone, and nothing was made twice: refused ones may stand or not.
        [kept] = await store.run(command("SCARD", "acknowledged"))
        assert kept >= counted


_NUMBERS = iter(range(1_000_000))


async def _counted(store):
    try:
        [added] = await store.commit(command("SADD", "acknowledged", next(_NUMBERS)))
    except StoreUnavailable:
        await asyncio.sleep(0.01)
        return 0
    # A repeated one would add nothing.
    assert added == 1
    return 1


class LoneSentinel:
    """Answers as a sentinel that has heard of nothing but `named`, by default before every failover."""

    def __init__(self, named, epoch=0):
        self._named = named
        self._epoch = epoch
        self._writers = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        host, port = self._named.host, str(self._named.port)
        address = f"*2\r\n${len(host)}\r\n{host}\r\n${len(port)}\r\n{port}\r\n"
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                count = int((await reader.readline())[1:] or 0)
                if not count:
                    break
                words = []
                for _ in range(count):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2].upper())
                if words[:2] == [b"SENTINEL", b"MASTER"]:
                    reply = f"%1\r\n+config-epoch\r\n+{self._epoch}\r\n"
                elif words[0] == b"SENTINEL":
                    reply = address
                else:
                    reply = "%1\r\n+proto\r\n:3\r\n" if words[0] == b"HELLO" else "+OK\r\n"
                writer.write(reply.encode())
        writer.close()


async def test_a_sentinel_behind_the_times_is_not_believed(sentinels):
    replica = next(one for one in sentinels.servers if one.ask("ROLE")[0] == "slave")
    async with LoneSentinel(replica) as stale:
        # By itself it leads to a server that says that it is no master.
        async with store_of(sentinels, f"redis+sentinel://{stale}/{MASTER}") as store:
            with pytest.raises(StoreUnavailable):
                await store.run(command("GET", "a"))
        # Beside others it loses by its epoch, unless they are late, and then by what the server itself says.
        others = ",".join(one.address for one in sentinels.sentinels)
        for _ in range(5):
            async with store_of(sentinels, f"redis+sentinel://{stale},{others}/{MASTER}") as store:
                await back(store, "a", 1)


def in_haste():
    """A clock ten times as fast."""
    return time.monotonic() * 10


async def test_what_nobody_says_any_more_is_forgotten(sentinels):
    replica = next(one for one in sentinels.servers if one.ask("ROLE")[0] == "slave")
    others = ",".join(one.address for one in sentinels.sentinels)
    async with LoneSentinel(replica, 1000) as lone:
        store = Store(f"redis+sentinel://{lone},{others}/{MASTER}", in_haste)
        # Made by a failover that it alone has heard of; then it is gone for good.
        with pytest.raises(StoreUnavailable):
            await store.run(command("GET", "a"))
    start = time.monotonic()
    await back(store, "a")
    assert time.monotonic() - start > ANEW_AFTER / 10
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
