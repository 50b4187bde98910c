import asyncio
import signal
import time

import pytest

from edge.store import DEADLINE, LANES, Script, ScriptError, Store, StoreUnavailable, command

ECHO = Script("return {KEYS[1], ARGV[1]}")
COUNT = Script("return redis.call('INCR', KEYS[1])")


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic)
    yield store
    await store.close()


async def test_a_flight_answers_in_order(store):
    assert await store.run(command("SET", "a", "1"), command("GET", "a"), ECHO.call(["k"], "v")) == [
        b"OK",
        b"1",
        [b"k", b"v"],
    ]


async def test_every_flight_gets_its_own_replies(store):
    async def ask(number):
        return await store.run(ECHO.call([f"k{number}"], number), command("PING"))

    replies = await asyncio.gather(*(ask(number) for number in range(500)))
    assert [reply[0] for reply in replies] == [[b"k%d" % n, b"%d" % n] for n in range(500)]


async def test_a_script_that_the_server_forgot_runs_once(store):
    await store.run(COUNT.call(["n"]))
    await store.run(command("SCRIPT", "FLUSH"))
    assert await asyncio.gather(*(store.run(COUNT.call(["n"])) for _ in range(20)))
    assert (await store.run(command("GET", "n")))[0] == b"21"


async def test_an_error_reply_is_that_flights_alone(store):
    bad, good = await asyncio.gather(
        store.run(command("INCR", "a", "too", "many")), store.run(command("PING")), return_exceptions=True
    )
    assert isinstance(bad, StoreUnavailable)
    assert not isinstance(good, Exception)


async def test_a_defect_in_a_script_is_not_called_an_outage(store):
    with pytest.raises(ScriptError):
        await store.run(Script("error('x')").call(["k"]))


@pytest.mark.parametrize("work", ["return redis.call('SET', KEYS[1], 'v')", "error('x')"])
async def test_a_full_server_is_an_outage_and_a_bad_script_is_not(store, work):
    await store.run(command("CONFIG", "SET", "maxmemory", "1"))
    with pytest.raises(ScriptError if "error" in work else StoreUnavailable):
        await store.run(Script(work).call(["k"]))


async def test_a_read_only_server_is_an_outage(store):
    await store.run(COUNT.call(["n"]))
    await store.run(command("REPLICAOF", "127.0.0.1", "1"))
    with pytest.raises(StoreUnavailable):
        await store.run(COUNT.call(["n"]))


async def test_the_wait_for_a_slow_lane_counts_towards_the_deadline(store):
    # Each blocks its connection for 150 ms: good alone, and too late behind another.
    slow = command("BLPOP", "nothing", "0.15")
    first = [asyncio.create_task(store.run(slow)) for _ in range(LANES)]
    await asyncio.sleep(0.05)
    start = time.monotonic()
    behind = await asyncio.gather(*(store.run(slow) for _ in range(LANES)), return_exceptions=True)
    assert time.monotonic() - start < 0.3
    assert {type(answer) for answer in behind} == {StoreUnavailable}
    assert await asyncio.gather(*first) == [[None]] * LANES


async def test_a_loop_that_was_held_up_does_not_blame_the_server(store):
    await store.run(command("PING"))
    asked = asyncio.create_task(store.run(COUNT.call(["n"])))
    # The flight leaves in this turn of the loop; in the next one the loop stands still past the deadline.
    await asyncio.sleep(0)
    time.sleep(DEADLINE + 0.1)  # noqa: ASYNC251 - what is shown is a loop that stands still
    assert await asked == [1]


async def test_a_closed_store_leaves_nobody_waiting(valkey):
    store = Store(valkey.url, time.monotonic)
    asked = [asyncio.create_task(store.run(command("BLPOP", "nothing", 0))) for _ in range(4)]
    await asyncio.sleep(0)
    await store.close()
    async with asyncio.timeout(1):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}


async def _fill(store, _valkey):
    await store.run(command("CONFIG", "SET", "maxmemory", "1"))


async def _empty(store, _valkey):
    await store.run(command("CONFIG", "SET", "maxmemory", "0"))


async def _kill(_store, valkey):
    valkey.kill()


async def _start(_store, valkey):
    valkey.start()


async def _stop(_store, valkey):
    valkey.process.send_signal(signal.SIGSTOP)


async def _continue(_store, valkey):
    valkey.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(("harm", "heal"), [(_kill, _start), (_stop, _continue), (_fill, _empty)])
async def test_a_fault_refuses_within_300_ms_and_ends_with_the_fault(store, valkey, harm, heal):
    await store.run(COUNT.call(["n"]))
    await harm(store, valkey)
    try:
        for _ in range(4):
            start = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await store.run(command("SET", "a", "1"))
            assert time.monotonic() - start < 0.3
    finally:
        await heal(store, valkey)
    async with asyncio.timeout(3):
        while await _refused(store):  # noqa: ASYNC110 - a server's return is seen by asking it
            await asyncio.sleep(0.02)


async def _refused(store):
    try:
        await asyncio.gather(*(store.run(command("SET", "a", "1")) for _ in range(LANES)))
    except StoreUnavailable:
        return True
    return False
