import asyncio
import time

import pytest
import redis

from broker.accounts.password_hashes import Cost
from broker.storage.redis import RedisSessions
from broker.storage.sql import open_accounts
from chat_proxy import redis_keys
from chat_proxy.conversations.feedback import LIFE_MS, MAX_ENTRIES
from edge.redis.client import Store, command
from tests.broker.service import (
    OTHER_SITE,
    PASSWORD,
    SITE,
    code,
    session_of,
    sign_in,
    sign_up,
)
from tests.conversations import keep_conversation
from tests.valkey import PATIENT_S
from tokens import liveness, readers
from tokens.readers import FORGOTTEN_MS

DAY_MS = 86_400_000


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    yield store
    await store.close()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def two_devices(make, stack_page):
    await sign_up(stack_page, "ada@example.com")
    other = make()
    answer = await sign_in(other, "ada@example.com")
    return other, answer.json()["token"]


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


async def test_somebody_elses_session_is_answered_alike_and_lives_on(make, page):
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


async def two_sites(make, page):
    """One account that is signed in on `page`, on another device at the same site, and at another site."""
    here, _ = await two_devices(make, page)
    there = make(OTHER_SITE)
    assert (await sign_in(there, "ada@example.com")).status_code == 200
    return here, there


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
async def test_what_is_of_the_account_ends_it_at_every_site(make, page, way):
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


async def test_a_deleted_user_is_signed_out_everywhere(make, page):
    other, _ = await two_devices(make, page)
    assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
    assert await session_of(other) is None
    assert code(await sign_in(page, "ada@example.com"))[0] == 401
    await sign_up(page, "ada@example.com")


async def test_a_deleted_users_conversations_and_texts_are_gone(page, valkey):
    sub = (await sign_up(page)).json()["user"]["id"]
    with redis.Redis(unix_socket_path=valkey.socket, decode_responses=True) as client:
        names = [name for site in ("docs", "other") for name in keep_conversation(client, sub, site)]
        others = keep_conversation(client, "o" * 32, "docs")
        assert client.exists(*names) == len(names)
        assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
        assert client.exists(*names) == 0
        assert client.exists(*others) == len(others)
        # The operators keep the ratings, which name nobody.
        for site in ("docs", "other"):
            entry = client.hgetall(readers.feedback_entry(site, f"m-{site}"))
            assert (entry["rating"], entry.keys() & {"question", "answer"}) == ("helpful", set())


@pytest.mark.parametrize("noted_before", [True, False])
async def test_a_rating_that_is_noted_after_its_account_is_gone_brings_no_text(page, valkey, noted_before):
    """The chat proxy keeps a rating in one exchange, and writes it to the operator's list in the next."""
    sub = (await sign_up(page)).json()["user"]["id"]
    with redis.Redis(unix_socket_path=valkey.socket, decode_responses=True) as client:
        keep_conversation(client, sub, "docs")
        names = [readers.feedback("docs"), readers.feedback_entry("docs", "m-docs")]
        if not noted_before:
            client.delete(*names)
        assert (await page.post("/api/auth/delete-user", json={})).status_code == 200
        assert 0 < client.pttl(names[1]) <= FORGOTTEN_MS
        args = (
            "m-docs",
            2,
            FORGOTTEN_MS,
            MAX_ENTRIES,
            LIFE_MS,
            "not_helpful",
            "reader",
            "normal",
            "q",
            "a",
        )
        assert client.eval(redis_keys.NOTE.source, len(names), *names, *args) == 1
        entry = client.hgetall(names[1])
        assert (entry["rating"], entry.keys() & {"question", "answer"}) == ("not_helpful", set())


async def test_a_profile_is_changed_where_told(page):
    await sign_up(page)
    change = {"name": "Ada L.", "image": "https://example.com/a.png"}
    assert (await page.post("/api/auth/update-user", json=change)).json() == {"status": True}
    user = (await session_of(page))["user"]
    assert (user["name"], user["image"]) == ("Ada L.", "https://example.com/a.png")
    await page.post("/api/auth/update-user", json={"image": None})
    assert (await session_of(page))["user"]["image"] is None
    assert code(await page.post("/api/auth/update-user", json={"email": "x@example.com"})) == (
        400,
        "EMAIL_CAN_NOT_BE_UPDATED",
    )
    assert (await page.post("/api/auth/update-user", json={})).status_code == 400
    assert code(await page.post("/api/auth/update-user", json={"name": "nul \0"})) == (400, "INVALID_PROFILE")


async def test_a_changed_password_is_the_only_one_and_ends_the_others_when_asked(make, page):
    other, _ = await two_devices(make, page)
    change = {"currentPassword": "not the password", "newPassword": "a better battery"}
    assert code(await page.post("/api/auth/change-password", json=change)) == (400, "INVALID_PASSWORD")
    change["currentPassword"] = PASSWORD
    kept = await page.post("/api/auth/change-password", json=change)
    assert kept.json()["token"] is None
    assert await session_of(other) is not None
    assert code(await sign_in(make(), "ada@example.com"))[0] == 401
    back = {"currentPassword": "a better battery", "newPassword": PASSWORD, "revokeOtherSessions": True}
    before = page.cookies["better-auth.session_token"]
    anew = await page.post("/api/auth/change-password", json=back)
    assert anew.json()["token"]
    assert await session_of(other) is None
    assert await session_of(page) is not None
    assert page.cookies["better-auth.session_token"] != before
    common = {"currentPassword": PASSWORD, "newPassword": "password123"}
    assert code(await page.post("/api/auth/change-password", json=common)) == (400, "PASSWORD_COMMON")


async def test_a_sign_in_with_the_old_password_never_outlives_its_change(make, page):
    await sign_up(page, "ada@example.com")
    old, new = PASSWORD, "a better battery"
    for _ in range(30):
        devices = [make() for _ in range(4)]
        change = {"currentPassword": old, "newPassword": new, "revokeOtherSessions": True}
        changing = page.post("/api/auth/change-password", json=change)
        changed, *_ = await asyncio.gather(
            changing, *(sign_in(device, "ada@example.com", old) for device in devices)
        )
        assert changed.status_code == 200
        assert [await session_of(device) for device in devices] == [None] * 4
        old, new = new, old


async def test_without_session_bearer_the_raw_token_is_in_the_cookie_alone(make):
    async with make(origin=OTHER_SITE) as page:
        done = await sign_up(page)
        cookie = page.cookies["better-auth.session_token"]
        raw = cookie.partition(".")[0]
        assert "set-auth-token" not in done.headers
        for answer in (
            done,
            await page.get("/api/auth/get-session"),
            await page.get("/api/auth/list-sessions"),
        ):
            assert raw not in answer.text
        assert (await session_of(page))["session"]["token"] == done.json()["token"]
        page.cookies.clear()
        for sent in (raw, cookie.replace("%2B", "+"), done.json()["token"]):
            assert (await page.get("/api/auth/get-session", headers=bearer(sent))).json() is None


async def test_a_bad_bearer_takes_no_cookie_along(page):
    await sign_up(page)
    for sent in ("garbage", "a" * 32, "a.b.c", "active-sessions-x", "a" * 32 + ".bad"):
        answer = await page.get("/api/auth/get-session", headers=bearer(sent))
        assert answer.json() is not None
        assert "set-cookie" not in answer.headers


async def test_a_bearer_is_taken_raw_signed_or_encoded(page):
    done = await sign_up(page)
    page.cookies.clear()
    signed = done.headers["set-auth-token"]
    for sent in (done.json()["token"], signed, signed.replace("+", "%2B").replace("=", "%3D")):
        assert (await page.get("/api/auth/get-session", headers=bearer(sent))).json() is not None


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


@pytest.mark.parametrize("ended", ["revoked", "banned"])
async def test_who_is_ended_while_they_change_their_password_gets_no_session(start, config, store, ended):
    # A hash that takes a while, so that the end falls between the look at the account and the new session.
    make = await start(password_cost=Cost(memory_kib=65_536, passes=4))
    sessions, accounts = RedisSessions(store), open_accounts(config.database_url)
    async with make() as page:
        sub = (await sign_up(page)).json()["user"]["id"]
        change = {
            "currentPassword": PASSWORD,
            "newPassword": "a better battery",
            "revokeOtherSessions": True,
        }
        changing = asyncio.create_task(page.post("/api/auth/change-password", json=change))
        # Counted just before the password is looked at, for which the hash then takes its time.
        counted = command("EXISTS", "cg:rate:attempts:203.0.113.7")
        while not (await store.run(counted))[0]:  # noqa: ASYNC110 - seen by asking Redis
            await asyncio.sleep(0)
        if ended == "banned":
            await accounts.set_banned(sub, True)
        await sessions.revoke_all(sub)
        assert (await changing).status_code == 401
        assert (await page.get("/auth/token")).status_code == 401
        assert await sessions.by_user(sub) == []
    await accounts.close()


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


async def test_a_reader_changes_their_profile_so_often_and_a_null_name_leaves_the_one_there_is(page, make):
    await sign_up(page, name="Ada")
    for _ in range(30):
        assert (await page.post("/api/auth/update-user", json={"name": None})).json() == {"status": True}
    answer = await page.post("/api/auth/update-user", json={"name": "Bea"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert (await session_of(page))["user"]["name"] == "Ada"
    async with make() as other:
        await sign_up(other)
        assert (await other.post("/api/auth/update-user", json={"name": "Bea"})).status_code == 200
