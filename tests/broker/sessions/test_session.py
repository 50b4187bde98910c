import asyncio
import time

import pytest
import redis

from broker.storage.redis import RedisSessions
from edge.redis.client import Store, command
from tests.broker.sessions.records import SUB, record
from tests.valkey import PATIENT_S
from tokens import liveness

DAY_MS = 86_400_000


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    yield store
    await store.close()


@pytest.fixture
async def sessions(store):
    # As a broker sets it; without it no session is judged.
    await store.run(command("HSET", liveness.CUT, "all", 0, "kids", "k1"))
    return RedisSessions(store)


async def sign_in(sessions, sid, cap=50, remember="1", client="docs"):
    generation = await sessions.generation(SUB, client)
    return await sessions.create(SUB, sid, generation, record(sid, remember, client), cap=cap)


async def alive(sessions, sid):
    return await sessions.by_token(sid, slide=True) is not None


async def test_a_session_is_found_by_its_token_and_ends_at_once(sessions):
    assert await sign_in(sessions, "a")
    assert await sessions.find(liveness.token_hash("a")) == (SUB, "a")
    assert await alive(sessions, "a")
    assert not await alive(sessions, "b")
    assert await sessions.revoke(SUB, "a")
    assert not await alive(sessions, "a")
    assert not await sessions.revoke(SUB, "a")


async def test_a_sign_in_that_began_before_a_revoke_all_creates_nothing(sessions):
    generation = await sessions.generation(SUB, "docs")
    await sessions.revoke_all(SUB)
    assert await sessions.create(SUB, "a", generation, record("a"), cap=50) is None
    assert not await alive(sessions, "a")
    assert await sign_in(sessions, "b")


async def test_the_end_of_all_sessions_of_a_site_ends_no_sign_in_at_another(sessions):
    generations = {client: await sessions.generation(SUB, client) for client in ("docs", "other")}
    await sign_in(sessions, "before", client="other")
    assert await sessions.revoke_all(SUB, client="docs") == 0
    records = {client: record(client, client=client) for client in generations}
    assert await sessions.create(SUB, "docs", generations["docs"], records["docs"], cap=50) is None
    assert await sessions.create(SUB, "other", generations["other"], records["other"], cap=50)
    assert await alive(sessions, "before")
    # Ending all of a user's sessions raises it for every site.
    assert await sessions.revoke_all(SUB) == 2
    assert await sessions.create(SUB, "late", generations["other"], record("late"), cap=50) is None


async def test_a_site_sees_and_ends_its_own_sessions_only(sessions):
    for sid, client in (("a1", "docs"), ("b1", "other"), ("a2", "docs"), ("b2", "other")):
        await sign_in(sessions, sid, client=client)
    assert [one.id for one in await sessions.by_user(SUB, client="docs")] == ["a1", "a2"]
    assert not await sessions.revoke(SUB, "b1", client="docs")
    assert await sessions.revoke(SUB, "b1", client="other")
    assert await sessions.revoke_all(SUB, client="docs", keep="a2") == 1
    assert [one.id for one in await sessions.by_user(SUB)] == ["a2", "b2"]


async def test_the_cap_of_a_site_ends_no_session_of_another(sessions):
    await sign_in(sessions, "theirs", client="other")
    for number in range(6):
        await sign_in(sessions, f"s{number}", cap=3)
    assert [one.id for one in await sessions.by_user(SUB)] == ["theirs", "s3", "s4", "s5"]


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
    assert [number for number in range(60) if await alive(sessions, f"s{number:02}")] == [*range(55, 60)]


async def test_a_session_that_goes_for_a_newer_one_is_announced_like_any_other(sessions, valkey):
    with redis.Redis(unix_socket_path=valkey.socket) as client, client.pubsub() as listener:
        listener.subscribe(liveness.REVOKED_CHANNEL)
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        await sign_in(sessions, "old", cap=1)
        await sign_in(sessions, "new", cap=1)
        assert listener.get_message(timeout=5)["data"] == f"{SUB} old".encode()


async def test_no_slide_reaches_beyond_the_absolute_life(sessions, store):
    await sign_in(sessions, "a")
    key = liveness.session(SUB, "a")
    # 28 days old and two days since the last slide: two of the next seven days are left to it.
    await store.run(command("HINCRBY", key, "created_at", -28 * DAY_MS))
    await store.run(command("HINCRBY", key, "updated_at", -2 * DAY_MS))
    assert await alive(sessions, "a")
    [left] = await store.run(command("PTTL", key))
    assert 2 * DAY_MS - 5_000 < left <= 2 * DAY_MS


async def test_a_late_refresh_revives_nothing(sessions, store):
    for attempt in range(200):
        sid = f"r{attempt}"
        await sign_in(sessions, sid)
        key = liveness.session(SUB, sid)
        # Two days old: a slide is due at the next load.
        await store.run(command("HINCRBY", key, "updated_at", -2 * DAY_MS))
        await asyncio.gather(alive(sessions, sid), sessions.revoke(SUB, sid), alive(sessions, sid))
        assert (await store.run(command("EXISTS", key)))[0] == 0


@pytest.mark.parametrize(("remember", "left_ms"), [("1", 7 * DAY_MS), ("0", 3_600_000)])
async def test_only_a_remembered_session_is_slid(sessions, store, remember, left_ms):
    await sign_in(sessions, "a", remember=remember)
    key = liveness.session(SUB, "a")
    await store.run(command("HINCRBY", key, "updated_at", -2 * DAY_MS))
    await store.run(command("PEXPIRE", key, 3_600_000))
    assert await alive(sessions, "a")
    [left] = await store.run(command("PTTL", key))
    assert left_ms - 5_000 < left <= left_ms
