import asyncio
import time

import pytest

from broker.storage.redis import RedisSessions
from edge.store import Store, command
from tokens import liveness

SUB = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic)
    yield store
    await store.close()


@pytest.fixture
def sessions(store):
    return RedisSessions(store)


def record(sid, remember="1"):
    return {"token_hash": liveness.token_hash(sid), "remember": remember, "client": "docs"}


async def sign_in(sessions, sid, cap=50, remember="1"):
    return await sessions.create(SUB, sid, await sessions.generation(SUB), record(sid, remember), cap=cap)


async def alive(sessions, sid):
    return await sessions.load(SUB, sid, liveness.token_hash(sid), slide=True) is not None


async def test_a_session_is_found_by_its_token_and_ends_at_once(sessions):
    assert await sign_in(sessions, "a")
    assert await sessions.find(liveness.token_hash("a")) == (SUB, "a")
    assert await alive(sessions, "a")
    assert await sessions.load(SUB, "a", liveness.token_hash("b"), slide=True) is None
    assert await sessions.revoke(SUB, "a")
    assert not await alive(sessions, "a")
    assert not await sessions.revoke(SUB, "a")


async def test_a_sign_in_that_began_before_a_revoke_all_creates_nothing(sessions):
    generation = await sessions.generation(SUB)
    await sessions.revoke_all(SUB)
    assert await sessions.create(SUB, "a", generation, record("a"), cap=50) is None
    assert not await alive(sessions, "a")
    assert await sign_in(sessions, "b")


async def test_32_sign_ins_at_once_are_all_listed_and_all_ended(sessions):
    for attempt in range(20):
        names = [f"{attempt}-{number}" for number in range(32)]
        await asyncio.gather(*(sign_in(sessions, name) for name in names))
        assert await sessions.revoke_all(SUB, keep=names[7]) == 31 + (attempt > 0)
        assert [name for name in names if await alive(sessions, name)] == [names[7]]


async def test_beyond_the_cap_the_oldest_goes_and_never_the_newest(sessions):
    for number in range(60):
        assert await sign_in(sessions, f"s{number:02}", cap=5)
        assert await alive(sessions, f"s{number:02}")
    living = [number for number in range(60) if await alive(sessions, f"s{number:02}")]
    assert len(living) == 5


async def test_a_late_refresh_revives_nothing(sessions, store):
    for attempt in range(200):
        sid = f"r{attempt}"
        await sign_in(sessions, sid)
        key = liveness.session(SUB, sid)
        # Two days old: a slide is due at the next load.
        await store.run(command("HINCRBY", key, "updated_at", -172_800_000))
        await asyncio.gather(alive(sessions, sid), sessions.revoke(SUB, sid), alive(sessions, sid))
        assert (await store.run(command("EXISTS", key)))[0] == 0


@pytest.mark.parametrize(("remember", "days"), [("1", 7), ("0", 1)])
async def test_remember_me_is_kept_in_the_record(sessions, store, remember, days):
    await sign_in(sessions, "a", remember=remember)
    key = liveness.session(SUB, "a")
    await store.run(command("HINCRBY", key, "updated_at", -172_800_000))
    await store.run(command("PEXPIRE", key, 3_600_000))
    assert await alive(sessions, "a")
    [left] = await store.run(command("PTTL", key))
    expected = 604_800_000 if days == 7 else 3_600_000
    assert expected - 5_000 < left <= expected
