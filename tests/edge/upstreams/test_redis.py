"""A session as Better Auth 1.7.25 wrote it, and what is read of it, in one server, with Sentinel and in a
Cluster."""

import json
import time
import tracemalloc
from typing import Any

import pytest

from edge.redis.client import Store, command
from edge.upstreams.redis import SharedRedis
from edge.upstreams.session import UpstreamUnavailable
from tests.topologies.alone import alone
from tests.valkey import PATIENT_S

TOKEN = "B4VHmb9iPHnOXgtmxxOxr4kyVSnK6Olx"
USER = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"
CREATED, EXPIRES = 1_795_446_071, 1_796_050_871
SESSION = {
    "id": "lHmC9O5IHxoYlzB7riCUtj9ROtolZe4N",
    "ipAddress": "203.0.113.7",
    "userAgent": "lab/1.0",
    "expiresAt": "2026-11-30T15:01:11.045Z",
    "userId": USER,
    "token": TOKEN,
    "createdAt": "2026-11-23T15:01:11.045Z",
    "updatedAt": "2026-11-23T15:01:11.045Z",
}
OWNER = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "emailVerified": False,
    "image": None,
    "createdAt": "2026-11-23T15:01:11.016Z",
    "updatedAt": "2026-11-23T15:01:11.016Z",
    "isAnonymous": False,
    "id": USER,
}
NOW = CREATED + 60
ALONE = pytest.mark.parametrize("started", [alone], ids=["single"], indirect=True)


@pytest.fixture
async def store(together):
    store = Store(together.url, time.monotonic, deadline=PATIENT_S)
    yield store
    await store.close()


@pytest.fixture
async def written(store):
    """Writes the session, with changed members, and the marker of revoked sessions."""

    async def written(session=None, user=None, marker=None, raw=None):
        record = {
            "session": SESSION | (session or {}),
            "user": None if user is False else OWNER | (user or {}),
        }
        text = json.dumps(record) if raw is None else raw
        await store.run(command("SET", f"better-auth:{TOKEN}", text))
        if marker is not None:
            await store.run(command("SET", f"better-auth:revoked-sessions-before-{USER}", str(marker)))
        return SharedRedis(store, "better-auth:", owns=False)

    return written


async def test_a_living_session_is_found_and_looked_at_again(written):
    upstream = await written()
    found = await upstream.find(TOKEN, NOW)
    assert (found.user_id, found.created_at // 1000, found.expires_at // 1000) == (USER, CREATED, EXPIRES)
    assert (found.email_verified, found.is_anonymous, found.is_banned) == (False, False, False)
    assert await upstream.look(found.reference("redis"), NOW) == found
    assert await upstream.find("C" * 32, NOW) is None


@ALONE
async def test_every_end_of_a_session_there_ends_it_here(written):
    created = CREATED * 1000 + 45
    alive: list[dict[str, Any]] = [
        {},
        {"marker": created},
        {"session": {"activeOrganizationId": "o", "impersonatedBy": "a"}},
    ]
    dead: list[dict[str, Any]] = [
        {"marker": created + 1},
        {"session": {"expiresAt": "2026-11-23T15:02:11.000Z"}},
        {"session": {"token": "C" * 32}},
        {"user": False},
    ]
    for case, lives in [*((one, True) for one in alive), *((one, False) for one in dead)]:
        await (await written(marker=0)).find(TOKEN, NOW)
        upstream = await written(**case)
        assert (await upstream.find(TOKEN, NOW) is not None) is lives, case
    upstream = await written(marker=0)
    reference = (await upstream.find(TOKEN, NOW)).reference("redis")
    # Another user's session under the same token is another session.
    upstream = await written(session={"userId": "other"}, user={"id": "other"})
    assert await upstream.look(reference, NOW) is None


@ALONE
async def test_large_records_are_not_kept_in_memory(written):
    """A user chooses the name and the picture of the record, and may change them as often as wanted."""
    upstream = await written()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(200):
            await written(user={"image": f"data:{number}," + "x" * 50_000})
            assert await upstream.find(TOKEN, NOW) is not None
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2_000_000


@ALONE
async def test_a_ban_counts_until_it_has_run_out(written):
    for ban, is_banned in (
        ({"banned": True}, True),
        ({"banned": True, "banExpires": None}, True),
        ({"banned": True, "banExpires": "2026-11-23T15:02:12.000Z"}, True),
        ({"banned": True, "banExpires": "2026-11-23T15:02:10.000Z"}, False),
        ({"banned": False, "banExpires": "2026-11-23T15:02:12.000Z"}, False),
    ):
        found = await (await written(user=ban)).find(TOKEN, NOW)
        assert found.is_banned is is_banned, ban


@ALONE
async def test_entries_that_better_auth_does_not_write_are_no_answer(written):
    wrong: list[dict[str, Any]] = [
        {"raw": "{"},
        {"raw": "[]"},
        {"raw": "{}"},
        {"raw": json.dumps({"session": SESSION, "user": OWNER, "more": "x" * 70_000})},
        {"session": {"expiresAt": "soon"}},
        {"session": {"userId": "a b"}},
        {"session": {"token": "../x"}},
        {"user": {"emailVerified": "yes"}},
        {"user": {"id": "another"}},
        {"marker": "yesterday"},
    ]
    for case in wrong:
        upstream = await written(**case)
        with pytest.raises(UpstreamUnavailable):
            await upstream.find(TOKEN, NOW)
