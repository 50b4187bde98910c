"""The master that the sentinels name, and sentinels that are silent or behind the times."""

import asyncio
import contextlib
import time

import pytest

from edge.redis.client import Store, StoreUnavailable, command
from edge.redis.topologies.survey import ANEW_AFTER
from tests.edge.redis.outages import back
from tests.edge.redis.topologies.stores import in_haste, store_of
from tests.stalls import promptly
from tests.topologies.sentinels import MASTER


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
            # Within the time of one flight, though the store does not know yet that the others will not
            # answer.
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


async def test_a_master_that_no_sentinel_names_any_more_is_forgotten(sentinels):
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
