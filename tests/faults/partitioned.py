"""Run by test_partitions.py in a network of its own: a partition loses writes that `kill -9` would not
lose."""

import asyncio
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broker.storage.redis import RedisSessions
from edge.redis.client import Store
from tests.chat_proxy.waiting import until
from tests.faults.namespace import INSIDE, cut
from tests.faults.readers import Readers, back, readers_of
from tests.topologies.clusters import clustered
from tests.topologies.sentinels import watched
from tests.topologies.together import Together

HOSTS = tuple(f"127.0.0.{number}" for number in range(11, 17))
pytestmark = pytest.mark.skipif(INSIDE not in os.environ, reason="is run by test_partitions.py")


@pytest.fixture(
    params=[partial(watched, HOSTS), partial(clustered, (0, 1, 2), HOSTS)], ids=["sentinel", "cluster"]
)
def together(request: pytest.FixtureRequest) -> Iterator[Together]:
    with request.param() as together:
        yield together


async def test_a_partition(together: Any, tmp_path: Path) -> None:
    async with readers_of(together, tmp_path) as (readers, victim):
        service = readers.service
        late = [await service.sign_in(f"late{number}", readers.sub) for number in range(3)]
        async with readers.asking():
            await asyncio.sleep(0.5)
            with cut(victim.host, [host for host in HOSTS if host != victim.host]):
                await back(readers, lambda: together.successor(victim) is not None)
                # The old master does not know. A session that ended at the new one must be dead at the old.
                elsewhere = Store(together.successor(victim).url, time.monotonic)
                assert await RedisSessions(elsewhere).revoke(readers.sub, "late0")
                await elsewhere.close()
                start = time.monotonic()
                await until(partial(_is_refused, readers, late[0]), 1)
                seen_after = time.monotonic() - start
                await asyncio.sleep(0.5)
            # The old one still says that it is the master, for some seconds.
            await asyncio.sleep(1)
            assert await readers.is_answered()
        assert len(readers.ended) > 5
        await readers.all_ended_are_refused()
        assert await _is_refused(readers, late[0])
        print(f"an end at the new master is seen after {seen_after:.2f} s; {readers.answers}")


async def _is_refused(readers: Readers, bearer: str) -> bool:
    return (await readers.service.ask(bearer)).status_code == 401
