import asyncio
import threading
import time

import pytest

from broker.accounts.hashing_queue import Asker
from broker.accounts.password_hashes import Cost
from broker.accounts.passwords import HashingBusy, Passwords

CHEAP = Cost(memory_kib=64, passes=1, lanes=1)
GOOD = "nine lighthouses"


def asker(number):
    """Askers come from two addresses, each with many accounts."""
    return Asker(f"192.0.2.{number % 2}", f"reader{number}@example.com")


class Gate:
    """Holds every hashing thread at its first hash until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def __call__(self, _scheme: str) -> None:
        self._open.wait(10)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what a pool shows is read, not announced
            await asyncio.sleep(0.001)


async def test_beyond_its_queue_the_pool_is_busy_and_says_for_how_long():
    pool = Passwords(CHEAP, workers=2, queue_limit=8)
    results = await asyncio.gather(
        *(pool.hash(GOOD, asker(number)) for number in range(200)), return_exceptions=True
    )
    pool.close()
    busy = [result for result in results if isinstance(result, HashingBusy)]
    assert len(busy) == 200 - 2 - 8
    assert all(1 <= one.retry_after <= 8 for one in busy)
    assert all(isinstance(result, str | HashingBusy) for result in results)


async def test_the_event_loop_stays_awake_while_two_hundred_passwords_come_at_once():
    pool = Passwords(Cost(), queue_limit=32)
    late: list[float] = []

    async def tick() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - start - 0.005)

    ticker = asyncio.create_task(tick())
    results = await asyncio.gather(
        *(pool.verify(GOOD, None, asker(number)) for number in range(200)), return_exceptions=True
    )
    ticker.cancel()
    pool.close()
    assert sum(isinstance(result, HashingBusy) for result in results) >= 200 - 32 - 64
    assert len(late) > 20
    assert sorted(late)[int(len(late) * 0.95)] < 0.05


async def test_a_caller_that_waits_too_long_is_told_to_come_back(gate):
    pool = Passwords(CHEAP, workers=1, max_wait=0.05, on_hash=gate)
    running = asyncio.create_task(pool.hash(GOOD, Asker()))
    await until(lambda: pool.running == 1)
    with pytest.raises(HashingBusy):
        await pool.hash(GOOD, Asker())
    assert (pool.running, pool.waiting) == (1, 0)
    gate.open()
    assert await running
    assert await pool.hash(GOOD, Asker())
    pool.close()


async def test_a_caller_that_leaves_the_queue_frees_a_place(gate):
    pool = Passwords(CHEAP, workers=1, queue_limit=1, on_hash=gate)
    running, queued = (asyncio.create_task(pool.hash(GOOD, Asker())) for _ in range(2))
    await until(lambda: (pool.running, pool.waiting) == (1, 1))
    with pytest.raises(HashingBusy):
        await pool.hash(GOOD, Asker())
    queued.cancel()
    await until(lambda: pool.waiting == 0)
    next_in_line = asyncio.create_task(pool.hash(GOOD, Asker()))
    await until(lambda: pool.waiting == 1)
    gate.open()
    assert await running
    assert await next_in_line
    pool.close()


async def test_a_hash_whose_caller_left_keeps_its_thread_until_it_is_done(gate):
    pool = Passwords(CHEAP, workers=1, on_hash=gate)
    left = asyncio.create_task(pool.hash(GOOD, Asker()))
    await until(lambda: pool.running == 1)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert pool.running == 1
    gate.open()
    await until(lambda: pool.running == 0)
    assert await pool.hash(GOOD, Asker())
    pool.close()


async def test_a_closed_pool_refuses_who_waits_and_who_comes(gate):
    pool = Passwords(CHEAP, workers=1, on_hash=gate)
    running, *queued = (asyncio.create_task(pool.hash(GOOD, Asker())) for _ in range(4))
    await until(lambda: pool.waiting == 3)
    pool.close()
    gate.open()
    assert await running
    assert all(isinstance(one, HashingBusy) for one in await asyncio.gather(*queued, return_exceptions=True))
    with pytest.raises(HashingBusy):
        await pool.hash(GOOD, Asker())
