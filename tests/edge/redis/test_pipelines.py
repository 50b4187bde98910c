"""Pipelines of slow, blocked and absent servers: the flights that wait, those that are refused, and those
that leave together."""

import asyncio
import time

import pytest

from edge.redis.client import Store, StoreUnavailable, command
from edge.redis.commands import DEADLINE
from edge.redis.pipelines import BREAK, HELD_UP_AFTER, MAX_WAITING
from tests.edge.redis.outages import COUNT, ECHO, back, refused_at_once
from tests.edge.redis.server_clients import are_blocked
from tests.valkey import PATIENT_S


async def test_the_wait_for_a_slow_lane_counts_towards_the_deadline(together):
    # A busy machine takes a few tenths of a second until all connections are blocked.
    deadline, now = 3, 0.0
    store = Store(together.url, lambda: now, deadline=deadline)
    # How exactly a server keeps a blocked client's time.
    together.each("CONFIG", "SET", "hz", "100")
    await asyncio.gather(*(store.run(command("GET", "nothing")) for _ in range(together.pipelines)))
    # Each blocks its connection for most of it: good alone, and too late behind another.
    slow = command("BLPOP", "nothing", f"{0.8 * deadline}")
    first = []
    for _ in range(together.pipelines):
        first.append(asyncio.create_task(store.run(slow)))
        await are_blocked(together.masters(), len(first))
        # The next one takes another pipeline.
        now += 2 * HELD_UP_AFTER
    start = time.monotonic()
    behind = await asyncio.gather(
        *(store.run(slow) for _ in range(together.pipelines)), return_exceptions=True
    )
    assert time.monotonic() - start < 1.15 * deadline
    assert {type(answer) for answer in behind} == {StoreUnavailable}
    assert await asyncio.gather(*first) == [[None]] * together.pipelines
    await store.close()


@pytest.mark.parametrize("deadline", [DEADLINE])
@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_loop_that_was_held_up_does_not_blame_the_server(store, is_connected):
    if is_connected:
        await asyncio.gather(*(store.run(COUNT.call(["n"])) for _ in range(3)))
    asked = asyncio.create_task(store.run(COUNT.call(["n"])))
    # The flight leaves within a few turns of the loop; then the loop stands still past the deadline.
    for _ in range(3):
        await asyncio.sleep(0)
    time.sleep(DEADLINE + 0.1)  # noqa: ASYNC251 - what is shown is a loop that stands still
    assert await asked == [4 if is_connected else 1]


@pytest.mark.parametrize("deadline", [DEADLINE])
@pytest.mark.parametrize(("harm", "heal"), [("kill", "start"), ("freeze", "thaw")])
async def test_a_fault_refuses_within_300_ms_and_ends_with_the_fault(lone, lone_store, harm, heal):
    await back(lone_store, "a")
    getattr(lone.node, harm)()
    try:
        await refused_at_once(lone_store, "a")
    finally:
        getattr(lone.node, heal)()
    await back(lone_store, "a")


@pytest.mark.parametrize("deadline", [0.5])
async def test_a_reply_that_comes_too_late_is_dropped(lone, lone_store):
    await asyncio.gather(*(lone_store.run(ECHO.call(["k"], "v")) for _ in range(lone.pipelines)))
    lone.node.freeze()
    try:
        late = (lone_store.run(ECHO.call(["k"], "late")) for _ in range(lone.pipelines))
        answers = await asyncio.gather(*late, return_exceptions=True)
    finally:
        lone.node.thaw()
    assert {type(one) for one in answers} == {StoreUnavailable}
    await back(lone_store, "a")
    for number in range(4):
        assert await lone_store.run(ECHO.call(["k"], number)) == [[b"k", b"%d" % number]]


async def test_a_server_that_has_not_answered_is_left_alone_for_a_moment(lone):
    now = 0.0
    store = Store(lone.url, lambda: now)
    lone.node.freeze()
    try:
        for _ in range(lone.pipelines):
            with pytest.raises(StoreUnavailable):
                await store.run(command("GET", "a"))
        start = time.monotonic()
        for _ in range(100):
            with pytest.raises(StoreUnavailable):
                await store.run(command("GET", "a"))
        assert time.monotonic() - start < DEADLINE / 2
    finally:
        lone.node.thaw()
    now = BREAK
    await back(store, "a")
    await store.close()


@pytest.mark.parametrize("deadline", [0.5])
async def test_a_connection_that_failed_refuses_no_flight_for_the_other(lone_store, deadline):
    await asyncio.gather(*(lone_store.run(command("PING")) for _ in range(2)))
    with pytest.raises(StoreUnavailable):
        await lone_store.run(command("BLPOP", "never", 4 * deadline))
    for _ in range(4):
        assert await lone_store.run(command("PING")) == [b"PONG"]


async def test_the_flights_of_a_quick_server_leave_together(lone, lone_store):
    with lone.node.client() as client:
        before = client.info("stats")["total_reads_processed"]
        for _ in range(50):
            await asyncio.gather(*(lone_store.run(command("GET", "a")) for _ in range(20)))
        reads = client.info("stats")["total_reads_processed"] - before
    # One for each turn of twenty, and the client's own, and the greetings.
    assert 50 <= reads < 60


async def test_a_slow_command_holds_up_no_later_ones(lone):
    now = 0.0
    store = Store(lone.url, lambda: now, deadline=PATIENT_S)
    slow = asyncio.create_task(store.run(command("BLPOP", "list", 0)))
    await are_blocked([lone.node], 1)
    now += 2 * HELD_UP_AFTER
    assert await store.run(command("PING")) == [b"PONG"]
    assert await store.run(command("RPUSH", "list", "x")) == [1]
    assert await slow == [[b"list", b"x"]]
    await store.close()


async def test_no_more_wait_than_can_be_answered(lone, lone_store):
    asked = (lone_store.run(command("PING")) for _ in range(lone.pipelines * MAX_WAITING + 50))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in answers[-50:]] == ["the store is not answering"] * 50
