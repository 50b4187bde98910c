"""Sessions that a Better Auth server moves, shortens, or keeps beside others in one browser, and those of
readers whom a provider of OpenID Connect signed in."""

import asyncio
import time
from datetime import datetime

import pytest

from tests.broker.upstreams.stack import NOW, standing
from tests.broker.upstreams.theirs import PASSWORD, SECRET, SOCIAL, SOCIAL_1_6
from tests.chat_proxy.waiting import until

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

DAY = 86_400
BY_VERSION = [f"{way}{version}" for way in ("redis", "postgres", "http") for version in ("", ", 1.6")]


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


async def test_a_session_lasts_as_long_as_the_site_moves_it(theirs, visitor_of, redis, tmp_path):
    """Questions here move none: one that is not used there ends when it would have ended."""

    async def moved(name):
        folder = tmp_path / name
        folder.mkdir()
        table = theirs[1][name] + ("" if name.startswith("redis") else NOW)
        used, idle = await visitor_of(name), await visitor_of(name)
        async with standing(redis, folder, table) as stack:
            readers = []
            for one in (used, idle):
                await one.sign_up()
                readers.append(await stack.exchanged(await one.token()))
            first = seconds((await used.session())["expiresAt"])

            async def is_over():
                latest = seconds((await used.session())["expiresAt"])
                looked = await readers[1].ask("GET", "/sessions")
                return looked.status_code == 401 and first < time.time() < latest

            await until(is_over, 20)
            assert (await readers[0].ask()).status_code == 200
            assert (await readers[0].refresh()).status_code == 200
            assert (await readers[1].refresh()).json()["error"] == "invalid_grant"

    names = ("redis, short", "redis, 1.6, short", "postgres, short", "postgres, 1.6, short", "http, short")
    await asyncio.gather(*(moved(name) for name in names))


@pytest.mark.parametrize("visitor", [*BY_VERSION, "http, cookie"], indirect=True)
async def test_a_session_for_a_day_stays_one(visitor, stack):
    """Better Auth makes it one of seven days at a request that lacks its `dont_remember` cookie."""
    ada = await visitor()
    await ada.sign_up()
    await ada.sign_in(rememberMe=False)
    before = (await ada.session())["expiresAt"]
    assert seconds(before) <= time.time() + DAY
    reader = await stack.exchanged(await ada.token())
    assert (await reader.ask()).status_code == 200
    assert (await reader.refresh()).status_code == 200
    assert (await ada.session())["expiresAt"] == before


@pytest.mark.parametrize("visitor", [*BY_VERSION, "http, cookie"], indirect=True)
async def test_the_active_one_of_two_accounts_in_one_browser_asks(visitor, stack):
    page = await visitor()
    tokens, readers = [], []
    for _ in range(2):
        await page.sign_up()
        tokens.append(await page.token())
        readers.append(await stack.exchanged(tokens[-1]))
    subs = [one.claims["sub"] for one in readers]
    assert subs[0] != subs[1]
    await page.post("/multi-session/set-active", {"sessionToken": tokens[0]})
    assert await page.token() == tokens[0]
    readers.append(await stack.exchanged(await page.token()))
    assert readers[2].claims["sub"] == subs[0]
    # To change the active account ends no session.
    assert [(await one.ask()).status_code for one in readers] == [200, 200, 200]
    await page.post("/multi-session/revoke", {"sessionToken": tokens[1]})
    assert [(await one.ask()).status_code for one in readers] == [200, 401, 200]
    await stack.refused(tokens[1])
    await page.post("/sign-out")
    assert [(await one.ask()).status_code for one in readers] == [401, 401, 401]


@pytest.mark.parametrize("visitor", ["redis, stored", *BY_VERSION], indirect=True)
async def test_a_pending_second_factor_is_no_session(visitor, table, redis, tmp_path):
    table += NOW if "redis" not in table else ""
    # With the secret, so that it is not for want of a signature that the cookie is refused.
    async with standing(redis, tmp_path, f'{table}secrets = ["{SECRET}"]\n') as stack:
        ada, late = await visitor(), await visitor()
        await ada.sign_up()
        before = await ada.token()
        await ada.post("/two-factor/enable", {"password": PASSWORD})
        # Enrolment puts a new session in the place of the one that the page had.
        after = await ada.token()
        await stack.exchanged(ada.cookie)
        if before != after:
            await stack.refused(before)
        assert (await late.sign_in(ada.email))["twoFactorRedirect"] is True
        [pending] = [one.value for one in late.http.cookies.jar if one.name.endswith(".two_factor")]
        await stack.refused(pending)


@pytest.mark.parametrize("visitor", BY_VERSION, indirect=True)
async def test_members_of_plugins_change_nothing(visitor, stack):
    ada, admin = await visitor(), await visitor()
    user = (await ada.sign_up())["user"]
    await admin.sign_up("admin")
    made = await ada.post("/organization/create", {"name": "Readers", "slug": ada.email.partition("@")[0]})
    await ada.post("/organization/set-active", {"organizationId": made["id"]})
    assert (await (await stack.exchanged(await ada.token())).ask()).status_code == 200
    await admin.post("/admin/impersonate-user", {"userId": user["id"]})
    impersonating = await stack.exchanged(await admin.token())
    assert (await impersonating.ask()).status_code == 200
    await admin.post("/admin/stop-impersonating")
    assert (await impersonating.ask()).status_code == 401


@pytest.mark.parametrize("visitor", ["redis", "postgres", "http", "http, 1.6"], indirect=True)
async def test_a_reader_whom_a_provider_signed_in(visitor, table, redis, tmp_path, request):
    sign_in = SOCIAL_1_6 if "1.6" in request.node.callspec.params["visitor"] else SOCIAL
    table += "unverified_users = false\n" + ("" if "redis" in table else NOW)
    async with standing(redis, tmp_path, table) as stack:
        ada, bob = await visitor(), await visitor()
        await ada.sign_in_by_provider("verified", sign_in=sign_in)
        reader = await stack.exchanged(await ada.token())
        assert reader.claims["tier"] == "reader"
        assert (await reader.ask()).status_code == 200
        # The provider does not vouch for this address.
        await bob.sign_in_by_provider(sign_in=sign_in)
        await stack.refused(await bob.token())
        await ada.post("/sign-out")
        assert (await reader.ask()).status_code == 401
        assert (await reader.refresh()).json()["error"] == "invalid_grant"
        await ada.sign_in_by_provider(sign_in=sign_in)
        again = await stack.exchanged(await ada.token())
        assert again.claims["sub"] == reader.claims["sub"]
