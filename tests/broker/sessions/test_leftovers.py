"""No key in Redis outlives its owner: after a sign-out, a deletion and an expiry."""

import pytest

from broker.sessions.session import LIFE_MS, MAX_SESSIONS, SHORT_LIFE_MS, SLIDE_AFTER_MS
from broker.storage.redis import RedisSessions
from edge.redis.client import command
from tests.broker.service import CALLBACK, EMAIL, PASSWORD, session_of, sign_in, sign_up
from tests.oauth import Key
from tokens import liveness, readers

COUNTERS = ("cg:rate:", "cg:cut", "cg:keys", "cg:writable")
"""Keys that belong to no session and no account; each expires by itself (docs/redis-keys.md)."""


async def names(store):
    [found] = await store.run(command("KEYS", "cg:*"))
    return {name.decode() for name in found if not name.decode().startswith(COUNTERS)}


async def pointers(store):
    return {name for name in await names(store) if name.startswith("cg:st:")}


async def life_of(store, name):
    [found] = await store.run(command("PTTL", name))
    return found


@pytest.mark.parametrize("path", ["/api/auth/sign-out", "/api/auth/revoke-sessions", "/auth/revoke"])
async def test_a_session_that_ends_takes_its_pointer_along(page, store, path):
    await sign_up(page, EMAIL)
    for _ in range(3):
        await sign_in(page, EMAIL)
    # Each sign-in in the same browser has ended the session before.
    assert len(await pointers(store)) == 1
    assert (await page.post(path, json={})).status_code in (200, 204)
    assert await pointers(store) == set()
    # Ending all sessions leaves the generation for a day, for sign-ins that are under way.
    assert {name.rpartition(":")[2] for name in await names(store)} <= {"gen"}


async def test_the_oldest_session_takes_its_pointer_along_when_it_makes_room(make, store):
    async with make() as page:
        await sign_up(page, EMAIL)
    for _ in range(MAX_SESSIONS + 1):
        async with make() as page:
            assert (await sign_in(page, EMAIL)).status_code == 200
    assert len(await pointers(store)) == MAX_SESSIONS


async def test_a_deleted_account_leaves_nothing_but_its_generation(page, store, oauth):
    await sign_up(page, EMAIL)
    sub = (await session_of(page))["user"]["id"]
    # As a chat proxy leaves it.
    reader = readers.reader(sub, "docs")
    await store.run(
        command("ZADD", readers.conversations(reader), 1, "c"),
        command("RPUSH", readers.conversation(reader, "c"), "{}"),
        command("HSET", readers.rate(reader, "reader"), "count", 1),
        command("HSET", readers.rate(readers.reader(sub, "other"), "gold"), "count", 1),
    )
    assert (await page.post("/api/auth/delete-user", json={"password": PASSWORD})).status_code == 200
    assert await names(store) == {liveness.generation(sub)}
    assert 0 < await life_of(store, liveness.generation(sub)) <= 86_400_000


async def test_a_sign_in_that_comes_to_nothing_leaves_no_pointer(page, store, make):
    await sign_up(page, EMAIL)
    sub = (await session_of(page))["user"]["id"]
    await page.post("/api/auth/sign-out", json={})
    sessions = RedisSessions(store)
    generation = await sessions.generation(sub, "docs")
    await sessions.revoke_all(sub)
    record = {"token_hash": "a" * 64, "remember": "1", "client": "docs"}
    assert await sessions.create(sub, "s" * 22, generation, record, cap=5) is None
    assert await pointers(store) == set()


@pytest.mark.parametrize(("remember", "life"), [(True, LIFE_MS), (False, SHORT_LIFE_MS)])
async def test_names_of_a_session_expire_together(page, store, remember, life):
    await sign_up(page, EMAIL)
    await page.post("/api/auth/sign-out", json={})
    assert (await sign_in(page, EMAIL, rememberMe=remember)).status_code == 200
    for name in await names(store):
        if name.endswith(":gen"):
            continue
        assert life - 60_000 < await life_of(store, name) <= life, name


async def test_a_session_that_is_moved_on_takes_its_pointer_along(page, store):
    await sign_up(page, EMAIL)
    [record] = [name for name in await names(store) if ":s:" in name]
    [updated] = await store.run(command("HGET", record, "updated_at"))
    await store.run(
        command("HSET", record, "updated_at", int(updated) - SLIDE_AFTER_MS),
        *(command("PEXPIRE", name, LIFE_MS // 2) for name in await names(store)),
    )
    assert await session_of(page) is not None
    for name in await names(store):
        assert await life_of(store, name) > LIFE_MS - 60_000, name


async def test_a_code_leaves_its_mark_for_a_day_and_a_family_nothing(oauth, page, store):
    await sign_up(page, EMAIL)
    await page.post("/api/auth/sign-out", json={})
    site = await oauth(Key())
    code = await site.code(EMAIL, PASSWORD)
    answer = await site.token(
        grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=site.verifier
    )
    assert answer.status_code == 200
    revoked = await site.send(grant_type="none")
    assert revoked.status_code == 400
    ended = await site.page.post(
        f"{site.issuer}/oauth2/revoke",
        data={"client_id": site.client_id, "token": answer.json()["refresh_token"]},
    )
    assert ended.status_code == 200
    left = {name for name in await names(store) if not name.startswith("cg:d:")}
    assert [name.split(":")[2] for name in left] == ["code"]
    assert 0 < await life_of(store, left.pop()) <= 86_400_000
