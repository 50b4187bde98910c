"""The promises of a store, the same with one server, Sentinel and Cluster."""

import asyncio
from typing import Any

import pytest

from edge.redis.client import Script, ScriptError, StoreUnavailable, command
from edge.redis.commands import DEADLINE
from edge.redis.connection import connect
from tests.edge.redis.outages import COUNT, ECHO, KEYS, back, refused_at_once


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


async def test_a_caller_that_gives_up_leaves_the_others_their_replies(store):
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


async def test_a_connection_that_was_closed_while_it_was_idle_refuses_no_flight(store, together):
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
async def test_a_full_server_refuses_within_300_ms_and_takes_writes_again(store, together):
    await store.run(COUNT.call(["n"]))
    together.each("CONFIG", "SET", "maxmemory", "1")
    await refused_at_once(store, "a")
    together.each("CONFIG", "SET", "maxmemory", "0")
    await back(store, "a")


async def test_a_publication_is_heard_at_the_address_that_the_store_names(store):
    url = await store.heard_at()
    assert store.is_heard_at(url)
    assert not store.is_heard_at("redis://127.0.0.1:1/0")
