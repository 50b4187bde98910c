"""Authorization codes over HTTP: good once, within a minute, and for the site that asked for them."""

import asyncio

import pytest
import redis

from broker.oauth.codes import LIFE_MS
from tests.broker.service import EMAIL, GATEWAY, OTHER_CALLBACK, OTHER_SITE, PASSWORD, sign_up
from tests.oauth import Key, code_in, encode


@pytest.fixture
async def site(oauth, page):
    await sign_up(page, EMAIL)
    return await oauth()


async def is_active(site, token):
    return (await site.window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY)).json()[
        "active"
    ]


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()["error"], answer.json()["error_description"].partition(":")[0]


async def test_a_code_gives_an_access_token_and_a_refresh_token(site):
    answer = await site.redeem(await site.code(EMAIL, PASSWORD))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert list(body) == ["access_token", "token_type", "expires_in", "refresh_token", "scope"]
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "chat history")
    assert await is_active(site, body["access_token"])


async def test_a_narrower_scope_holds_for_all_that_follows(site):
    tokens = (await site.redeem(await site.code(EMAIL, PASSWORD, scope="chat"))).json()
    assert tokens["scope"] == "chat"
    answer = await site.refresh(tokens["refresh_token"], scope="chat history")
    assert refusal(answer) == ("invalid_scope", "scope")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": "w" * 43}, ("invalid_grant", "code_verifier")),
        ({"code_verifier": "short"}, ("invalid_grant", "code_verifier")),
        ({"code_verifier": "x" * 129}, ("invalid_grant", "code_verifier")),
        ({"code_verifier": "+" * 43}, ("invalid_grant", "code_verifier")),
        ({"redirect_uri": OTHER_CALLBACK}, ("invalid_grant", "redirect_uri")),
    ],
)
async def test_a_code_that_is_shown_wrongly_is_gone(site, changes, expected):
    code = await site.code(EMAIL, PASSWORD)
    assert refusal(await site.redeem(code, **changes)) == expected
    assert refusal(await site.redeem(code)) == ("invalid_grant", "code")


async def test_a_code_is_of_its_client(site, oauth):
    code = await site.code(EMAIL, PASSWORD)
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    other.verifier = site.verifier
    assert refusal(await other.redeem(code)) == ("invalid_grant", "code")
    assert refusal(await site.redeem(code)) == ("invalid_grant", "code")


@pytest.mark.parametrize(
    "change", [lambda code: code[:-1] + ("A" if code[-1] != "A" else "B"), lambda code: code + "~"]
)
async def test_a_code_that_was_never_made_is_refused(site, change):
    code = await site.code(EMAIL, PASSWORD)
    assert refusal(await site.redeem(change(code))) == ("invalid_grant", "code")
    assert (await site.redeem(code)).status_code == 200


async def test_a_code_is_kept_for_a_minute_and_not_in_clear(site, valkey):
    code = await site.code(EMAIL, PASSWORD)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        [key] = client.keys("cg:{*}:code:*")
        assert 0 < client.pttl(key) <= LIFE_MS == 60_000
        assert code.encode() not in key
        assert all(code.rpartition("~")[2].encode() not in value for value in client.hgetall(key).values())
        client.pexpire(key, 1)
        while client.exists(key):
            pass
    assert refusal(await site.redeem(code)) == ("invalid_grant", "code")


async def test_a_second_use_ends_what_the_first_gave(site):
    code = await site.code(EMAIL, PASSWORD)
    tokens = (await site.redeem(code)).json()
    assert await is_active(site, tokens["access_token"])
    assert refusal(await site.redeem(code)) == ("invalid_grant", "code")
    assert not await is_active(site, tokens["access_token"])
    assert refusal(await site.refresh(tokens["refresh_token"])) == ("invalid_grant", "refresh_token")


async def test_uses_at_once_leave_nothing_that_lives(site):
    for _ in range(200):
        code = await site.code(EMAIL, PASSWORD)
        answers = await asyncio.gather(*(site.redeem(code) for _ in range(3)))
        good = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(good) <= 1
        for tokens in good:
            assert not await is_active(site, tokens["access_token"])
            assert (await site.refresh(tokens["refresh_token"])).status_code == 400


async def test_a_code_that_names_a_key_is_redeemed_with_it_alone(oauth, page):
    await sign_up(page, EMAIL)
    key = Key()
    site, thief = await oauth(key), await oauth(Key())
    thief.verifier = site.verifier
    code = await site.code(EMAIL, PASSWORD, dpop_jkt=key.jkt)
    assert refusal(await thief.redeem(code)) == ("invalid_grant", "code")
    code = await site.code(EMAIL, PASSWORD, dpop_jkt=key.jkt)
    assert (await site.redeem(code)).json()["token_type"] == "DPoP"
    unproved = await oauth()
    unproved.verifier = site.verifier
    code = await site.code(EMAIL, PASSWORD, dpop_jkt=key.jkt)
    assert refusal(await unproved.redeem(code)) == ("invalid_grant", "code")


async def test_a_code_opens_nothing_once_the_reader_was_signed_out_everywhere(site, page):
    await page.post("/api/auth/sign-in/email", json={"email": EMAIL, "password": PASSWORD})
    code = await site.code(EMAIL, PASSWORD)
    assert (await page.post("/api/auth/revoke-sessions", json={})).status_code == 200
    assert refusal(await site.redeem(code)) == ("invalid_grant", "code")


async def test_the_session_of_a_code_is_listed_and_can_be_ended_like_any_other(site, page):
    tokens = (await site.redeem(await site.code(EMAIL, PASSWORD))).json()
    listed = (await page.get("/api/auth/list-sessions")).json()
    assert len(listed) == 2
    own = (await page.get("/api/auth/get-session")).json()["session"]["id"]
    [other] = [one["token"] for one in listed if one["id"] != own]
    await page.post("/api/auth/revoke-session", json={"token": other})
    assert not await is_active(site, tokens["access_token"])
    assert (await site.refresh(tokens["refresh_token"])).status_code == 400


async def test_the_parts_of_a_code_cannot_be_guessed(site):
    codes = {await site.code(EMAIL, PASSWORD) for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code.rpartition("~")[2]) == len(encode(bytes(32))) for code in codes)


async def test_no_more_of_a_reader_is_kept_with_a_code_than_with_a_session(site, valkey):
    fields = {"email": EMAIL, "password": PASSWORD}
    site.window.headers["User-Agent"] = "x" * 9000
    code = code_in(await site.post_form("", fields))
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        [key] = client.keys("cg:{*}:code:*")
        assert client.memory_usage(key) < 1500
        assert (await site.redeem(code)).status_code == 200
        assert client.hkeys(key) == [b"spent"]
