"""A store that is closed: nothing waits, connects or runs any more."""

import asyncio
import itertools
import time

import pytest

from edge.redis.client import Store, StoreUnavailable, command
from tests.edge.redis.outages import KEYS
from tests.valkey import PATIENT_S


async def test_a_closed_store_leaves_no_caller_waiting(together):
    store = Store(together.url, time.monotonic, deadline=PATIENT_S)
    asked = [asyncio.create_task(store.run(command("BLPOP", "nothing", 0))) for _ in range(4)]
    await asyncio.sleep(0)
    await store.close()
    async with asyncio.timeout(1):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}


async def test_a_closed_store_stays_closed(together):
    # Each time that it is asked, an hour has passed since a connection was last held to be broken.
    store = Store(together.url, itertools.count(step=3600).__next__, deadline=PATIENT_S)
    await store.run(*(command("GET", key) for key in KEYS))
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.run(*(command("GET", key) for key in KEYS))


async def test_a_closed_store_leaves_no_task(together):
    before = asyncio.all_tasks()
    store = Store(together.url, time.monotonic, deadline=PATIENT_S)
    await store.run(*(command("GET", key) for key in KEYS))
    await store.heard_at()
    await store.close()
    assert asyncio.all_tasks() == before
