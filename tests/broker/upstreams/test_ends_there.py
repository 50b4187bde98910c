"""Sessions that end at a Better Auth server end here, with each version, storage and cookie cache of it."""

import asyncio

import orjson
import pytest

from edge.redis.client import command
from tests.broker.upstreams.stack import NOW, standing
from tests.broker.upstreams.theirs import PASSWORD, concurrent_sign_ins

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

CACHED = [
    "redis, cached",
    "redis, stored, cached",
    "redis, 1.6, cached",
    "postgres, cached",
    "postgres, 1.6, cached",
    "http",
]
PLAIN = [
    "redis",
    "redis, stored",
    "redis, 1.6",
    "redis, 1.6, stored",
    "postgres",
    "postgres, 1.6",
    "sqlite",
    "http, 1.6",
]


@pytest.mark.parametrize("visitor", [*PLAIN, *CACHED], indirect=True)
async def test_a_ban_a_deletion_and_a_new_password_end_what_they_end_there(visitor, stack):
    admin = await visitor()
    await admin.sign_up("admin")
    eve, bob, ann = [await visitor() for _ in range(3)]
    user = (await eve.sign_up())["user"]
    await bob.sign_up()
    await ann.sign_up()
    readers = [await stack.exchanged(await one.token()) for one in (eve, bob, ann)]
    assert [(await one.ask()).status_code for one in readers] == [200, 200, 200]
    await admin.post("/admin/ban-user", {"userId": user["id"]})
    await bob.post("/delete-user", {"password": PASSWORD})
    change = {"currentPassword": PASSWORD, "newPassword": PASSWORD[::-1], "revokeOtherSessions": True}
    token = (await ann.post("/change-password", change))["token"]
    for reader in readers:
        assert (await reader.ask()).status_code == 401
    # The password's owner has a new session, which is theirs as before.
    again = await stack.exchanged(token)
    assert (await again.ask()).status_code == 200
    assert again.claims["sub"] == readers[2].claims["sub"]


@pytest.mark.parametrize("visitor", CACHED, indirect=True)
async def test_a_cookie_cache_there_is_never_asked(visitor, stack):
    ada, other = await visitor(), await visitor()
    await ada.sign_up()
    await other.sign_in(ada.email)
    reader = await stack.exchanged(await ada.token())
    assert (await reader.ask()).status_code == 200
    await other.post("/revoke-other-sessions")
    # The site's own pages go on by the cookie.
    token = await ada.token()
    assert (await reader.ask()).status_code == 401
    assert (await reader.refresh()).json()["error"] == "invalid_grant"
    await stack.refused(token)


COMPLETE = ["redis, stored, cached", "postgres", "postgres, 1.6", "http", "http, 1.6"]


@pytest.mark.parametrize("visitor", COMPLETE, indirect=True)
async def test_revoking_all_leaves_no_session_of_concurrent_sign_ins(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    tokens = await concurrent_sign_ins(visitor, ada.email)
    readers = await asyncio.gather(*(stack.exchanged(one) for one in tokens))
    assert (await readers[0].ask()).status_code == 200
    await ada.post("/revoke-sessions")
    answers = await asyncio.gather(*(reader.ask() for reader in readers))
    assert {one.status_code for one in answers} == {401}
    for one in tokens:
        await stack.refused(one)


async def forgotten(store, prefix, user):
    """The tokens that are in the list of the user's sessions, once it has lost its last four. Better Auth's
    list loses most of those that begin at one time by itself, but not in each run."""
    key = f"{prefix}active-sessions-{user['id']}"
    [raw] = await store.run(command("GET", key))
    listed = orjson.loads(raw)[:-4]
    await store.run(command("SET", key, orjson.dumps(listed), "KEEPTTL"))
    return {one["token"] for one in listed}


@pytest.mark.parametrize("visitor", ["redis"], indirect=True)
async def test_a_marker_ends_the_sessions_that_a_list_lost(visitor, stack):
    ada = await visitor()
    user = (await ada.sign_up())["user"]
    tokens = await concurrent_sign_ins(visitor, ada.email)
    readers = await asyncio.gather(*(stack.exchanged(one) for one in tokens))
    await forgotten(stack.service.store, "better-auth:", user)
    await ada.post("/revoke-sessions")
    # Their keys stay; only the marker says that they are dead.
    left = await stack.service.store.run(*(command("EXISTS", f"better-auth:{one}") for one in tokens))
    assert sum(left) >= 4
    answers = await asyncio.gather(*(reader.ask() for reader in readers))
    assert {one.status_code for one in answers} == {401}
    for one in tokens:
        await stack.refused(one)


@pytest.mark.parametrize("visitor", ["redis, 1.6"], indirect=True)
async def test_the_sessions_that_a_list_of_1_6_lost_live_there_and_here(visitor, stack):
    """That version has no marker."""
    ada = await visitor()
    user = (await ada.sign_up())["user"]
    tokens = await concurrent_sign_ins(visitor, ada.email)
    readers = await asyncio.gather(*(stack.exchanged(one) for one in tokens))
    listed = await forgotten(stack.service.store, "old:", user)
    await ada.post("/revoke-sessions")
    living = [one not in listed for one in tokens]
    assert [await lives_there(visitor, one) for one in tokens] == living
    answers = await asyncio.gather(*(reader.ask() for reader in readers))
    assert [one.status_code == 200 for one in answers] == living


@pytest.mark.parametrize("visitor", ["redis, 1.6, stored"], indirect=True)
async def test_the_database_of_1_6_loses_no_session(visitor, stack, theirs, redis, tmp_path):
    """`storeSessionInDatabase`: the server itself asks its Redis first, and so does `upstream = "redis"`."""
    folder = tmp_path / "database"
    folder.mkdir()
    async with standing(redis, folder, theirs[1]["postgres, 1.6"] + NOW) as by_database:
        ada = await visitor()
        user = (await ada.sign_up())["user"]
        tokens = await concurrent_sign_ins(visitor, ada.email, 8)
        listed = await forgotten(stack.service.store, "oldst:", user)
        readers = await asyncio.gather(*(by_database.exchanged(one) for one in tokens))
        await ada.post("/revoke-sessions")
        for reader, token in zip(readers, tokens, strict=True):
            assert (await reader.ask()).status_code == 401
            await by_database.refused(token)
            if token not in listed:
                assert await lives_there(visitor, token)
                await stack.exchanged(token)


@pytest.mark.parametrize(
    ("visitor", "prefix", "named", "are_lost"),
    [
        ("redis", "better-auth:", "redis", True),
        ("redis, stored", "st:", "redis, stored", False),
        ("redis, 1.6", "old:", "redis, 1.6", True),
        ("redis, 1.6, stored", "oldst:", "postgres, 1.6", True),
    ],
    indirect=["visitor"],
)
async def test_the_end_of_all_others_goes_by_the_list(
    visitor, prefix, named, are_lost, theirs, redis, tmp_path
):
    """But for 1.7 with `storeSessionInDatabase`, which asks its database for them."""
    table = theirs[1][named] + (NOW if named == "postgres, 1.6" else "")
    async with standing(redis, tmp_path, table) as stack:
        ada = await visitor()
        user = (await ada.sign_up())["user"]
        tokens = await concurrent_sign_ins(visitor, ada.email, 8)
        readers = [await stack.exchanged(one) for one in tokens]
        listed = await forgotten(stack.service.store, prefix, user)
        await ada.post("/revoke-other-sessions")
        living = [are_lost and one not in listed for one in tokens]
        assert [await lives_there(visitor, one) for one in tokens] == living
        assert [(await one.ask()).status_code == 200 for one in readers] == living


@pytest.mark.parametrize(
    ("visitor", "prefix"), [("redis, stored", "st:"), ("redis, 1.6, stored", "oldst:")], indirect=["visitor"]
)
async def test_a_session_that_redis_lost_has_ended_here(visitor, prefix, stack):
    """Better Auth finds it in its database."""
    ada = await visitor()
    token = (await ada.sign_up())["token"]
    reader = await stack.exchanged(token)
    await stack.service.store.run(command("DEL", prefix + token))
    assert await lives_there(visitor, token)
    assert (await reader.ask()).status_code == 401
    await stack.refused(token)


@pytest.mark.parametrize(
    ("visitor", "named", "status"),
    [("redis, preserved", "postgres", 401), ("redis, 1.6, preserved", "postgres, 1.6", 200)],
    indirect=["visitor"],
)
async def test_a_row_that_is_preserved(visitor, named, status, theirs, redis, tmp_path):
    """`preserveSessionInDatabase`: 1.7 moves the expiry of an ended session, 1.6 leaves its row as it was."""
    async with standing(redis, tmp_path, theirs[1][named] + NOW) as stack:
        ada = await visitor()
        token = (await ada.sign_up())["token"]
        reader = await stack.exchanged(token)
        await ada.post("/sign-out")
        assert not await lives_there(visitor, token)
        assert (await reader.ask()).status_code == status


async def lives_there(visitor, token):
    bare = await visitor()
    found = await bare.http.get("/get-session", headers={"Authorization": f"Bearer {token}"})
    return found.json() is not None
