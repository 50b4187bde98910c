"""The promises of a store, the same with one server, Sentinel and Cluster."""

import asyncio
import itertools
import time
from typing import Any

import pytest

from edge.redis.client import Script, ScriptError, Store, StoreUnavailable, command
from edge.redis.commands import DEADLINE, TRACE
from edge.redis.connection import connect
from edge.redis.pipelines import BREAK, HELD_UP_AFTER, MAX_WAITING
from tests.edge.redis.outages import COUNT, KEYS, back, refused_at_once
from tests.topologies.alone import alone
from tests.valkey import PATIENT_S

ECHO = Script("return {KEYS[1], ARGV[1]}")


@pytest.fixture
def deadline():
    return PATIENT_S


@pytest.fixture
async def store(together, deadline):
    store = Store(together.url, time.monotonic, deadline=deadline)
    yield store
    await store.close()


async def test_a_flight_answers_in_order(store):
    writes = [command("SET", key, f"v-{key}") for key in KEYS]
    reads = [command("GET", key) for key in KEYS]
    assert await store.run(*writes, *reads, ECHO.call(["k"], "v"), command("PING")) == [
        *[b"OK"] * len(KEYS),
        *[b"v-%s" % key.encode() for key in KEYS],
        [b"k", b"v"],
        b"PONG",
    ]


async def test_every_flight_gets_its_own_replies(store):
    async def ask(number):
        return await store.run(
            ECHO.call([f"k{number}"], number), command("PING"), ECHO.call([f"{number}"], "x")
        )

    replies = await asyncio.gather(*(ask(number) for number in range(150)))
    assert replies == [[[b"k%d" % n, b"%d" % n], b"PONG", [b"%d" % n, b"x"]] for n in range(150)]


async def test_who_gives_up_leaves_the_others_their_replies(store):
    asked = [asyncio.create_task(store.run(ECHO.call(["k"], number))) for number in range(300)]
    # Some before anything was sent, others while it is under way.
    await asyncio.sleep(0)
    for one in asked[::3]:
        one.cancel()
    for _ in range(4):
        await asyncio.sleep(0)
    for one in asked[1::3]:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert [one.result() for one in asked[2::3]] == [[[b"k", b"%d" % number]] for number in range(2, 300, 3)]


async def test_a_script_that_the_server_forgot_runs_once(store, together):
    await store.run(*(COUNT.call([key]) for key in KEYS))
    together.each("SCRIPT", "FLUSH")
    assert await asyncio.gather(*(store.run(*(COUNT.call([key]) for key in KEYS)) for _ in range(20)))
    assert await store.run(*(command("GET", key) for key in KEYS)) == [b"21"] * len(KEYS)


async def test_a_flight_of_nothing_has_no_replies(store):
    assert await store.run() == []


async def test_a_connection_that_was_closed_while_it_was_idle_refuses_nobody(store, together):
    await asyncio.gather(
        *(store.run(*(COUNT.call([key]) for key in KEYS)) for _ in range(together.pipelines))
    )
    others = [await connect(node.url) for node in together.masters()]
    # As a server does that was told to after a `timeout`, or was started again.
    together.each("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    async with asyncio.timeout(10):
        for other in others:
            while other.is_usable:  # noqa: ASYNC110 - seen by looking
                await asyncio.sleep(0)
            await other.close()
    for _ in range(together.pipelines):
        assert await store.run(*(command("GET", key) for key in KEYS)) == [b"%d" % together.pipelines] * len(
            KEYS
        )


async def test_an_error_reply_is_that_flights_alone(store):
    answers: Any = await asyncio.gather(
        store.run(command("INCR", "a", "too", "many")), store.run(command("PING")), return_exceptions=True
    )
    bad, good = answers
    assert isinstance(bad, StoreUnavailable)
    assert not isinstance(good, Exception)


async def test_a_defect_in_a_script_is_not_called_an_outage(store):
    with pytest.raises(ScriptError):
        await store.run(Script("error('x')").call(["k"]))


@pytest.mark.parametrize("work", ["return redis.call('SET', KEYS[1], 'v')", "error('x')"])
async def test_a_full_server_is_an_outage_and_a_bad_script_is_not(store, together, work):
    together.each("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(ScriptError if "error" in work else StoreUnavailable):
        await store.run(Script(work).call(["k"]))


@pytest.mark.parametrize("deadline", [DEADLINE])
async def test_what_is_full_refuses_within_300_ms_and_takes_writes_again(store, together):
    await store.run(COUNT.call(["n"]))
    together.each("CONFIG", "SET", "maxmemory", "1")
    await refused_at_once(store, "a")
    together.each("CONFIG", "SET", "maxmemory", "0")
    await back(store, "a")


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


async def are_blocked(servers, count):
    """Wait until so many clients wait for an element of a list."""
    async with asyncio.timeout(PATIENT_S):
        while sum(one.ask("INFO", "clients")["blocked_clients"] for one in servers) < count:  # noqa: ASYNC110 - seen by asking
            await asyncio.sleep(0)


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


async def test_a_closed_store_leaves_nobody_waiting(together):
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


async def test_what_is_published_is_heard_where_it_says(store):
    url = await store.heard_at()
    assert store.is_heard_at(url)
    assert not store.is_heard_at("redis://127.0.0.1:1/0")


@pytest.fixture
def lone():
    with alone() as server:
        yield server


@pytest.fixture
async def lone_store(lone, deadline):
    store = Store(lone.url, time.monotonic, deadline=deadline)
    yield store
    await store.close()


def lacking(node):
    """Its replicas do not acknowledge in time."""
    node.ask("CONFIG", "SET", "hz", "100")
    return lambda: None


def late(node):
    node.ask("CLIENT", "PAUSE", "10000", "WRITE")
    return lambda: node.ask("CLIENT", "UNPAUSE")


def alone_and_strict(node):
    node.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    return lambda: None


def read_only(node):
    node.ask("REPLICAOF", "127.0.0.1", "1")
    return lambda: node.ask("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(
    ("trouble", "write"),
    [(lacking, Store.commit), (late, Store.commit), (alone_and_strict, Store.run), (read_only, Store.run)],
)
async def test_a_master_that_does_not_take_a_write_is_left(lone, trouble, write):
    store = Store(lone.url, time.monotonic, replicas=1)
    await asyncio.gather(*(store.run(COUNT.call(["n"]), TRACE.call(["n"])) for _ in range(lone.pipelines)))
    known = ids(lone.node)
    heal = trouble(lone.node)
    with pytest.raises(StoreUnavailable):
        await write(store, COUNT.call(["n"]))
    heal()
    # Behind its name there may be another server by now, so what reads is connected anew.
    await asyncio.gather(*(store.run(command("GET", "n")) for _ in range(lone.pipelines)))
    assert known & ids(lone.node) == set()
    await store.close()


def ids(node):
    with node.client() as client:
        return {one["id"] for one in client.client_list(_type="normal")}


async def test_writes_of_one_turn_wait_for_the_replicas_together(lone):
    lone.node.ask("CONFIG", "SET", "hz", "100")
    store = Store(lone.url, time.monotonic, replicas=1)
    # Both are known to the server from here on.
    await store.run(COUNT.call(["n"]), TRACE.call(["n"]))
    writes = (store.commit(COUNT.call([f"k{number}"])) for number in range(20))
    refusals = await asyncio.gather(*writes, return_exceptions=True)
    # Each by itself takes three quarters of the deadline.
    assert {str(one) for one in refusals} == {"too few replicas acknowledged a write"}
    assert await store.run(*(command("GET", f"k{number}") for number in range(20))) == [b"1"] * 20
    await store.close()


async def test_a_master_without_its_replicas_is_not_connected_to_for_every_refusal(lone):
    def connections():
        with lone.node.client() as client:
            return int(client.info("stats")["total_connections_received"])

    lone.node.ask("CONFIG", "SET", "hz", "100")
    store = Store(lone.url, lambda: 0.0, replicas=1)
    before = connections()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.commit(COUNT.call(["n"]))
        await asyncio.gather(*(store.run(command("GET", "n")) for _ in range(lone.pipelines)))
    lone.node.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await store.run(COUNT.call(["n"]))
    await store.close()
    # The reads' and that of commits, once more when there was a doubt, and the test's own.
    assert connections() - before <= 2 * (lone.pipelines + 1) + 2


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
async def test_a_reply_that_comes_too_late_is_nobodys(lone, lone_store):
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


async def test_who_has_not_answered_is_left_alone_for_a_moment(lone):
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
async def test_a_connection_that_failed_refuses_nobody_for_the_other(lone_store, deadline):
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
