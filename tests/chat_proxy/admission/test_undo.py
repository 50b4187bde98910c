"""Places that an outage left taken are given back fast enough for the renewals of running answers."""

import asyncio
import time

from chat_proxy.admission.undo import MAX_OWED, Undo
from edge.redis.client import Store, command
from tests.slow_line import SlowLine
from tests.valkey import PATIENT_S


async def test_a_thousand_are_given_back_in_a_moment_by_a_redis_that_is_far_away(valkey):
    async with SlowLine(lambda: asyncio.open_unix_connection(valkey.socket)) as line:
        line.delay = 0.02
        store = Store(line.url, time.monotonic, deadline=PATIENT_S)
        undo = Undo(store, time.monotonic)
        for number in range(MAX_OWED):
            undo.add(time.monotonic(), [command("SADD", "given back", number)])
        async with asyncio.timeout(5):
            assert await undo.settle()
        [count] = await store.run(command("SCARD", "given back"))
        assert count == MAX_OWED
        await store.close()
