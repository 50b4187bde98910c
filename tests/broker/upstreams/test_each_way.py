"""The other ways to trust a Better Auth server, each from a sign-in there to the refusal after a sign-out."""

import asyncio

import pytest

from broker.oauth.grants import better_auth
from tests.broker.upstreams.stack import exchange

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

POSTGRES = ["postgres", "postgres, cached", "postgres, 1.6", "postgres, 1.6, cached", "postgres, snake"]
HTTP = ["http", "http, cookie", "http, named cookie", "http, 1.6"]
ASKED = ["redis, 1.6", *POSTGRES, "sqlite", *HTTP]


@pytest.mark.parametrize("visitor", ASKED, indirect=True)
async def test_a_session_there_asks_here_until_it_ends_there(visitor, stack):
    ada, bob, guest = [await visitor() for _ in range(3)]
    await ada.sign_up()
    user = (await bob.sign_up())["user"]
    await guest.post("/sign-in/anonymous")
    readers = [await stack.exchanged(await one.token()) for one in (ada, bob, guest)]
    assert [one.claims["tier"] for one in readers] == ["reader", "reader", "guest"]
    for reader in readers:
        assert (await reader.ask()).status_code == 200
        assert (await reader.refresh()).status_code == 200
    await stack.refused("x" * 32)

    token = await ada.token()
    await ada.post("/sign-out")
    await guest.post("/sign-out")
    admin = await visitor()
    await admin.sign_up("admin")
    await admin.post("/admin/ban-user", {"userId": user["id"]})
    for reader in readers:
        answer = await reader.ask()
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert (await reader.ask("GET", "/sessions")).status_code == 401
        assert (await reader.refresh()).json()["error"] == "invalid_grant"
    await stack.refused(token)


@pytest.mark.parametrize("visitor", ["http, secure cookie"], indirect=True)
async def test_a_server_of_an_https_site_is_asked_at_its_address_inside(visitor, stack):
    """Its cookie has `__Secure-` before its name, whatever the address at which the services ask it."""
    ada = await visitor()
    token = (await ada.sign_up())["token"]
    reader = await stack.exchanged(token)
    assert (await reader.ask()).status_code == 200
    # No client sends the cookie over http by itself.
    cookie = {"Cookie": f"__Secure-better-auth.session_token={ada.cookie}"}
    assert (await ada.http.post("/sign-out", headers=cookie)).status_code == 200
    assert (await reader.ask()).status_code == 401
    await stack.refused(token)


@pytest.mark.parametrize("renew_every", [0.1])
@pytest.mark.parametrize(
    "visitor", ["postgres", "postgres, 1.6, cached", "sqlite", "http", "http, 1.6"], indirect=True
)
async def test_a_running_answer_ends_with_the_session_there(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    reader = await stack.exchanged(await ada.token())
    async with asyncio.timeout(10):
        asking = await stack.begun(reader)
        await ada.post("/sign-out")
        assert "session_ended" in (await asking).text


@pytest.mark.parametrize("visitor", ["jwt", "jwt, 1.6", "jwt, ES512", "jwt, elsewhere"], indirect=True)
async def test_a_jwt_there_asks_here_until_it_expires(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.http.get("/token")).json()["token"]
    site = stack.make()
    answer = await exchange(site, token, better_auth.JWT)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    # It ends with the JWT: nothing renews it.
    assert "refresh_token" not in tokens
    reader = stack.reader(site, tokens)
    assert (await reader.ask()).status_code == 200
    head, payload, signature = token.split(".")
    other = "A" if payload[10] != "A" else "B"
    for forged in (
        f"{head}.{payload[:10]}{other}{payload[11:]}.{signature}",
        f"{head}.{payload}.",
        "a.b.c",
        "x" * 9000,
    ):
        assert (await exchange(stack.make(), forged, better_auth.JWT)).status_code == 400
    # A session's token is none of what this site takes.
    await stack.refused(await ada.token())
