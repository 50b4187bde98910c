"""The guest grant over HTTP: a session without an account, for pages of sites that take guests."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import jwt
import pytest

from broker.oauth.clients import Clients
from tests.broker.service import GATEWAY, ISSUER, OTHER_CALLBACK, OTHER_SITE, SITE, sign_up
from tests.oauth import GUEST, Key

ADDRESS = "198.51.100.4"


def error(answer):
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, body["error"], body["error_description"]


def claims(answer):
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["access_token"], options={"verify_signature": False})


@pytest.mark.parametrize(("key", "token_type"), [(None, "Bearer"), (Key(), "DPoP")])
async def test_a_page_of_the_site_gets_a_guests_tokens(oauth, config, key, token_type):
    site = await oauth(key)
    answer = await site.guest()
    found = claims(answer)
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == (token_type, 300, "chat history")
    assert answer.headers["cache-control"] == "no-store"
    assert (found["client_id"], found["tier"]) == ("docs", config.clients.by_id["docs"].guest_tier)
    assert found.get("cnf") == (None if key is None else {"jkt": key.jkt})


async def test_a_guest_is_kept_up_and_signed_out_as_every_reader_is(oauth):
    site = await oauth(Key())
    first = await site.guest()
    second = await site.refresh(first.json()["refresh_token"])
    assert claims(second)["sid"] == claims(first)["sid"]
    keyless = await oauth()
    assert error(await keyless.refresh(second.json()["refresh_token"]))[:2] == (400, "invalid_grant")
    assert (await site.revoke(second.json()["refresh_token"])).status_code == 200
    asked = {"token": second.json()["access_token"]}
    assert (await site.window.post("/oauth2/introspect", data=asked, auth=GATEWAY)).json() == {
        "active": False
    }


async def test_each_asks_as_a_guest_of_their_own(oauth):
    site = await oauth()
    assert claims(await site.guest())["sub"] != claims(await site.guest())["sub"]


async def test_no_account_is_made(oauth, page, tmp_path):
    await sign_up(page)
    assert (await (await oauth()).guest()).status_code == 200
    with closing(sqlite3.connect(tmp_path / "data" / "accounts.db")) as accounts, accounts:
        assert accounts.execute('select count(*) from "user"').fetchone() == (1,)


@pytest.mark.parametrize(
    ("scope", "expected"), [("chat", "chat"), ("history chat", "chat history"), (None, "chat history")]
)
async def test_a_guest_may_ask_for_less(oauth, scope, expected):
    site = await oauth()
    answer = await site.guest(**({} if scope is None else {"scope": scope}))
    assert (answer.json()["scope"], claims(answer)["scope"]) == (expected, expected)


async def test_a_site_without_guests_says_so(oauth):
    site = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    assert error(await site.guest()) == (400, "unauthorized_client", "guests: this site takes no guests")


async def test_a_page_that_shares_the_brokers_origin_gets_a_guests_tokens(start, config, oauth):
    """As behind one Caddy for all, where the broker's origin is registered for the site."""
    docs = config.clients.by_id["docs"]
    docs = replace(docs, origins=docs.origins | {ISSUER})
    clients = Clients({**config.clients.by_id, "docs": docs}, config.clients.origins | {ISSUER})
    make = await start(clients=clients)
    assert claims(await (await oauth(origin=ISSUER, make=make)).guest())["client_id"] == "docs"
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=ISSUER, make=make)
    assert error(await other.guest())[:2] == (403, "unauthorized_client")


@pytest.mark.parametrize("origin", [None, ISSUER, OTHER_SITE, "https://evil.example", "null"])
async def test_only_a_page_of_the_site_gets_guests(oauth, origin):
    site = await oauth(origin=origin)
    status, name, _ = error(await site.guest())
    assert (status, name) == (403, "unauthorized_client")


async def test_too_many_of_an_address_are_told_when_to_come_again(oauth, start, config):
    few = config.sign_in.model_copy(update={"sign_ups_per_address": 2})
    make = await start(sign_in=few)
    site = await oauth(make=lambda origin: make(origin, ADDRESS))
    neighbour = await oauth(make=lambda origin: make(origin, "198.51.100.5"))
    # One that is refused for its scope was no guest.
    assert error(await site.guest(scope="admin"))[:2] == (400, "invalid_scope")
    for _ in range(2):
        assert (await site.guest()).status_code == 200
    answer = await site.guest()
    assert error(answer)[:2] == (429, "temporarily_unavailable")
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert (await neighbour.guest()).status_code == 200


async def test_without_redis_there_are_no_guests(oauth, valkey):
    site = await oauth()
    valkey.kill()
    answer = await site.guest()
    assert error(answer)[:2] == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_guests_end_with_the_sites_leave_to_have_them(oauth, start, config):
    site = await oauth()
    guest = (await site.guest()).json()
    docs = config.clients.by_id["docs"]
    without = {**config.clients.by_id, "docs": replace(docs, guests=False)}
    later = await oauth(make=await start(clients=replace(config.clients, by_id=without)))
    assert error(await later.refresh(guest["refresh_token"]))[:2] == (400, "invalid_grant")


async def test_the_metadata_names_the_grant(page):
    found = (await page.get("/.well-known/oauth-authorization-server")).json()
    assert GUEST in found["grant_types_supported"]


async def test_a_guest_shows_no_reader_who_is_signed_in(oauth, page):
    await sign_up(page)
    site = await oauth()
    before = (await page.get("/api/auth/get-session")).json()
    answer = await site.page.post(
        "/oauth2/token",
        data={"client_id": "docs", "grant_type": GUEST},
        headers={"Cookie": "; ".join(f"{one.name}={one.value}" for one in page.cookies.jar)},
    )
    assert claims(answer)["sub"] != before["user"]["id"]
    assert "set-cookie" not in answer.headers
    assert (await page.get("/api/auth/get-session")).json() == before
