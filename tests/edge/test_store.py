import asyncio
import signal
import time

import pytest

from edge.store import BREAK, Script, ScriptError, Store, StoreUnavailable, command

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


@pytest.mark.parametrize("fault", ["killed", "stopped", "full"])
async def test_a_fault_refuses_within_300_ms_and_then_at_once_and_ends_with_the_fault(store, valkey, fault):
    await store.run(COUNT.call(["n"]))
    if fault == "killed":
        valkey.kill()
    elif fault == "stopped":
        valkey.process.send_signal(signal.SIGSTOP)
    else:
        await store.run(command("CONFIG", "SET", "maxmemory", "1"))
    try:
        for _ in range(4):
            start = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await store.run(command("SET", "a", "1"))
            assert time.monotonic() - start < 0.3
    finally:
        if fault == "killed":
            valkey.start()
        elif fault == "stopped":
            valkey.process.send_signal(signal.SIGCONT)
        else:
            await store.run(command("CONFIG", "SET", "maxmemory", "0"))
    deadline = time.monotonic() + 3 + BREAK
    while True:
        try:
            await asyncio.gather(store.run(command("PING")), store.run(command("PING")))
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
