"""Changing a password, and the sessions that it ends."""

import asyncio

import pytest

from broker.accounts.password_hashes import Cost
from broker.storage.redis import RedisSessions
from broker.storage.sql import open_accounts
from edge.redis.client import command
from tests.broker.endpoints.devices import two_devices
from tests.broker.service import (
    PASSWORD,
    code,
    session_of,
    sign_in,
    sign_up,
)


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


@pytest.mark.parametrize("ended", ["revoked", "banned"])
async def test_a_reader_whose_session_ends_during_a_password_change_gets_none(start, config, store, ended):
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
