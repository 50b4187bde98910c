import asyncio
import socket
import time

import pytest
import uvloop

from edge.redis.deadlines import GIVEN, LATE, Deadline

SOON = 0.02


def due(seconds=SOON):
    return asyncio.get_running_loop().time() + seconds


def current_task():
    task = asyncio.current_task()
    assert task is not None
    return task


async def for_ever():
    await asyncio.get_running_loop().create_future()


async def test_a_block_that_does_not_end_is_ended():
    before = due(0)
    with pytest.raises(TimeoutError), Deadline(due()):
        await for_ever()
    assert SOON <= due(0) - before < 5
    assert current_task().cancelling() == 0


async def test_calls_that_end_in_time_and_their_errors_are_left_alone():
    with Deadline(due()):
        await asyncio.sleep(0)
    with pytest.raises(LookupError), Deadline(due()):
        raise LookupError
    # The timer was cancelled: it would come before a later one of the loop's, and end this wait.
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(SOON, later.set)
    await later.wait()


async def test_a_caller_that_is_cancelled_meanwhile_stays_cancelled():
    began = asyncio.Event()

    async def wait():
        with Deadline(due(60)):
            began.set()
            await for_ever()

    waiting = asyncio.create_task(wait())
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("is_first", [False, True])
async def test_a_caller_that_is_cancelled_in_the_same_moment_stays_cancelled(is_first):
    at = due()

    async def wait():
        if is_first:
            loop.call_at(at, current_task().cancel)
        with Deadline(at):
            if not is_first:
                loop.call_at(at, current_task().cancel)
            await for_ever()

    loop = asyncio.get_running_loop()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(wait())


async def test_the_inner_of_two_does_not_end_the_outer_block():
    with Deadline(due(60)):
        with pytest.raises(TimeoutError), Deadline(due()):
            await for_ever()
        await asyncio.sleep(0)


async def test_a_loop_that_stood_still_gets_its_time_back():
    answer = asyncio.get_running_loop().create_future()
    with Deadline(due()):
        time.sleep(SOON + 2 * LATE)  # noqa: ASYNC251  the loop itself is what stalls
        asyncio.get_running_loop().call_later(LATE / 5, answer.set_result, "late")
        assert await answer == "late"


async def test_a_loop_that_stands_still_in_every_turn_ends_the_block_too():
    async def stall():
        while True:
            time.sleep(2.2 * LATE)  # noqa: ASYNC251  as above
            await asyncio.sleep(0)

    stalling = asyncio.create_task(stall())
    try:
        # The server never answers.
        with pytest.raises(TimeoutError), Deadline(began := due()):
            await for_ever()
        assert due(0) - began < GIVEN + 2
    finally:
        stalling.cancel()


@pytest.mark.parametrize("late", [0.002, 0.8 * LATE])
def test_a_reply_that_came_while_the_loop_stood_still_is_read_first(late):
    async def read(here, there):
        def stall():
            there.send(b"x")
            time.sleep(SOON + late)

        with Deadline(due()):
            # uvloop calls the timers that are due before it reads.
            asyncio.get_running_loop().call_soon(stall)
            return await asyncio.get_running_loop().sock_recv(here, 1)

    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        assert uvloop.run(read(here, there)) == b"x"
