"""Sessions over HTTP: listed, ended, slid, and of one site each."""

import time

import pytest
import redis

from broker.storage.redis import RedisSessions
from tests.broker.endpoints.devices import bearer, two_devices, two_sites
from tests.broker.service import (
    OTHER_SITE,
    PASSWORD,
    SITE,
    code,
    session_of,
    sign_up,
)
from tokens import liveness

DAY_MS = 86_400_000


async def test_a_list_of_sessions_shows_handles_and_no_credential(make, page):
    _, token = await two_devices(make, page)
    listed = await page.get("/api/auth/list-sessions")
    own = (await session_of(page))["session"]
    assert len(listed.json()) == 2
    assert token not in listed.text
    assert own["token"] not in listed.text
    for shown in listed.json():
        assert (await page.get("/api/auth/get-session", headers=bearer(shown["token"]))).json()["session"][
            "id"
        ] == own["id"]


async def test_a_handle_from_the_list_ends_that_session(make, page):
    other, _ = await two_devices(make, page)
    own = (await session_of(page))["session"]["id"]
    listed = (await page.get("/api/auth/list-sessions")).json()
    [handle] = [one["token"] for one in listed if one["id"] != own]
    assert (await page.post("/api/auth/revoke-session", json={"token": handle})).json() == {"status": True}
    assert await session_of(other) is None
    assert await session_of(page) is not None


async def test_a_raw_token_of_ones_own_ends_its_session_too(make, page):
    other, token = await two_devices(make, page)
    await page.post("/api/auth/revoke-session", json={"token": token})
    assert await session_of(other) is None


async def test_another_readers_session_is_answered_alike_and_lives_on(make, page):
    await sign_up(page, "ada@example.com")
    async with make() as eve:
        await sign_up(eve, "eve@example.com")
        theirs = (await session_of(page))["session"]
        for token in (theirs["token"], theirs["id"], "unknown", "*", "{x}:y", "x" * 5000):
            answer = await eve.post("/api/auth/revoke-session", json={"token": token})
            assert answer.json() == {"status": True}
    assert await session_of(page) is not None


@pytest.mark.parametrize("path", ["revoke-sessions", "revoke-other-sessions"])
async def test_all_or_all_others_end(make, page, path):
    other, _ = await two_devices(make, page)
    assert (await page.post(f"/api/auth/{path}", json={})).json() == {"status": True}
    assert await session_of(other) is None
    assert (await session_of(page) is None) == (path == "revoke-sessions")


async def test_a_site_lists_its_own_sessions_only(make, page):
    here, there = await two_sites(make, page)
    own = {(await session_of(one))["session"]["id"] for one in (page, here)}
    assert {one["id"] for one in (await page.get("/api/auth/list-sessions")).json()} == own
    [alone] = (await there.get("/api/auth/list-sessions")).json()
    assert alone["id"] == (await session_of(there))["session"]["id"]


async def test_a_site_ends_no_session_of_another(make, page):
    here, there = await two_sites(make, page)
    raw = there.cookies["better-auth.session_token"].partition(".")[0]
    for named in ((await session_of(there))["session"]["id"], raw):
        answer = await page.post("/api/auth/revoke-session", json={"token": named})
        assert answer.json() == {"status": True}
        assert await session_of(there) is not None
    await page.post("/api/auth/revoke-other-sessions", json={})
    assert [await session_of(one) is not None for one in (page, here, there)] == [True, False, True]
    await page.post("/api/auth/revoke-sessions", json={})
    assert [await session_of(one) is not None for one in (page, here, there)] == [False, False, True]


@pytest.mark.parametrize("way", ["password", "deletion"])
async def test_an_end_of_the_account_counts_at_every_site(make, page, way):
    here, there = await two_sites(make, page)
    if way == "password":
        change = {"currentPassword": PASSWORD, "newPassword": "a better battery", "revokeOtherSessions": True}
        assert (await page.post("/api/auth/change-password", json=change)).status_code == 200
    else:
        assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
    assert await session_of(here) is None
    assert await session_of(there) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/auth/list-sessions"),
        ("GET", "/api/auth/token"),
        ("POST", "/api/auth/revoke-session"),
        ("POST", "/api/auth/revoke-sessions"),
        ("POST", "/api/auth/revoke-other-sessions"),
        ("POST", "/api/auth/update-user"),
        ("POST", "/api/auth/change-password"),
        ("POST", "/api/auth/delete-user"),
        ("GET", "/auth/token"),
        ("POST", "/auth/token"),
        ("POST", "/auth/revoke"),
    ],
)
async def test_without_a_session_nothing_is_done(page, method, path):
    body = {"token": "x", "name": "x", "newPassword": PASSWORD, "currentPassword": PASSWORD}
    answer = await page.request(method, path, json=body if method == "POST" else None)
    assert code(answer) in {(401, "UNAUTHORIZED"), (401, "unauthenticated")}
    if path.startswith("/auth/"):
        # RFC 6750 3.1: a request without credentials gets a challenge without an error code.
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_session_is_slid_and_its_cookie_with_it(page, valkey):
    await sign_up(page)
    own = (await session_of(page))["session"]
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.hincrby(liveness.session(own["userId"], own["id"]), "updated_at", -2 * DAY_MS)
    unslid = await page.get("/api/auth/get-session?disableRefresh=true")
    assert "set-cookie" not in unslid.headers
    slid = await page.get("/api/auth/get-session")
    assert "Max-Age=604800" in slid.headers["set-cookie"]
    assert "set-cookie" not in (await page.get("/api/auth/get-session")).headers


async def test_an_old_session_may_not_list_the_others_or_delete_the_account_unasked(page, valkey):
    await sign_up(page)
    own = (await session_of(page))["session"]
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        # The cut is older than the session, however old that is made.
        client.hset(liveness.CUT, "all", 1)
        client.hincrby(liveness.session(own["userId"], own["id"]), "created_at", -2 * DAY_MS)
    assert code(await page.get("/api/auth/list-sessions")) == (403, "SESSION_NOT_FRESH")
    assert code(await page.post("/api/auth/delete-user", json={})) == (400, "SESSION_EXPIRED")
    answer = await page.post("/api/auth/delete-user", json={"password": PASSWORD})
    assert answer.json() == {"success": True, "message": "User deleted"}


async def test_a_dead_cookie_is_taken_away(page):
    await sign_up(page)
    cookie = page.cookies["better-auth.session_token"]
    await page.post("/api/auth/sign-out")
    headers = {"Cookie": f"better-auth.session_token={cookie}"}
    answer = await page.get("/api/auth/get-session", headers=headers)
    assert answer.json() is None
    assert len(answer.headers.get_list("set-cookie")) == 3
    assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))


async def test_a_session_ends_when_its_time_is_over(page, valkey):
    await sign_up(page)
    own = (await session_of(page))["session"]
    key = liveness.session(own["userId"], own["id"])
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.hset(key, "expires_at", int(time.time() * 1000) - 1)
    assert await session_of(page) is None
    assert (await page.get("/auth/token")).status_code == 401


async def test_another_site_sees_and_changes_nothing_of_a_session(page):
    await sign_up(page)
    page.headers["origin"] = OTHER_SITE
    for method, path, body in [
        ("GET", "/api/auth/get-session", None),
        ("GET", "/api/auth/list-sessions", None),
        ("GET", "/api/auth/token", None),
        ("GET", "/auth/token", None),
        ("POST", "/api/auth/update-user", {"name": "x"}),
        ("POST", "/api/auth/revoke-sessions", {}),
        ("POST", "/api/auth/delete-user", {}),
        ("POST", "/api/auth/sign-out", {}),
        ("POST", "/auth/revoke", None),
    ]:
        answer = await page.request(method, path, json=body)
        assert code(answer) in {(403, "CLIENT_NOT_ALLOWED"), (403, "client_not_allowed")}, path
        assert "set-cookie" not in answer.headers
        assert "set-auth-token" not in answer.headers
    page.headers["origin"] = SITE
    assert await session_of(page) is not None


async def test_a_sign_in_that_is_refused_leaves_no_session(page, store):
    sub = (await sign_up(page, "ada@example.com")).json()["user"]["id"]
    page.cookies.clear()
    body = {"email": "ada@example.com", "password": PASSWORD}
    for _ in range(3):
        answer = await page.post(
            "/api/auth/sign-in/email",
            json=body,
            headers=[("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        )
        assert answer.status_code == 400
    assert len(await RedisSessions(store).by_user(sub)) == 1
