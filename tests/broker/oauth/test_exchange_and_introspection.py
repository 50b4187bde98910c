"""Token exchange (RFC 8693) and introspection (RFC 7662, RFC 9701) over HTTP."""

import base64
import time

import jwt
import pytest

from edge.redis.client import Store
from tests.broker.service import (
    CALLBACK,
    EMAIL,
    GATEWAY,
    ISSUER,
    OTHER_CALLBACK,
    OTHER_GATEWAY,
    OTHER_SITE,
    PASSWORD,
    SITE,
    sign_in,
    sign_up,
)
from tests.broker.signing.key_rings import Server, changes
from tests.oauth import ACCESS_TOKEN, SESSION_TOKEN, Key, OAuthSite
from tests.valkey import PATIENT_S

SIGNED = {"Accept": "application/token-introspection+jwt"}
INACTIVE = {"active": False}


@pytest.fixture
async def site(oauth, page):
    await sign_up(page, EMAIL)
    return await oauth()


def payload(token):
    return jwt.decode(token, options={"verify_signature": False})


async def ask(site, token, auth=GATEWAY, **more):
    return await site.window.post("/oauth2/introspect", data={"token": token, **more}, auth=auth)


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()["error"], answer.json()["error_description"].partition(":")[0]


async def test_an_access_token_is_narrowed_down(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    answer = await site.exchange(tokens["access_token"], scope="chat")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["issued_token_type"], body["scope"]) == (ACCESS_TOKEN, "chat")
    old, new = payload(tokens["access_token"]), payload(body["access_token"])
    assert new["exp"] <= old["exp"]
    assert (new["sid"], new["sub"], new["client_id"]) == (old["sid"], old["sub"], old["client_id"])
    assert new["jti"].startswith(f"{old['jti']}.")


async def test_a_narrowed_token_never_outlives_the_one_it_is_of(start, oauth):
    now = [time.time()]
    site = await oauth(make=await start(now=lambda: now[0]))
    tokens = (await site.redeem(await site.guest_code())).json()
    now[0] += 200
    answer = await site.exchange(tokens["access_token"])
    assert 95 <= answer.json()["expires_in"] <= 100
    assert payload(answer.json()["access_token"])["exp"] == payload(tokens["access_token"])["exp"]


async def test_a_narrowed_token_is_neither_widened_nor_narrowed_again(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    narrow = (await site.exchange(tokens["access_token"], scope="chat")).json()["access_token"]
    assert refusal(await site.exchange(narrow)) == ("invalid_request", "subject_token")
    only_chat = (await site.redeem(await site.code(EMAIL, PASSWORD, scope="chat"))).json()["access_token"]
    assert refusal(await site.exchange(only_chat, scope="chat history")) == ("invalid_scope", "scope")
    assert refusal(await site.exchange(only_chat, scope="history")) == ("invalid_scope", "scope")


async def test_revoking_a_token_ends_what_was_narrowed_from_it(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    narrow = (await site.exchange(tokens["access_token"], scope="chat")).json()["access_token"]
    assert (await site.revoke(tokens["access_token"])).status_code == 200
    assert (await ask(site, narrow)).json() == INACTIVE
    assert refusal(await site.exchange(tokens["access_token"])) == ("invalid_request", "subject_token")
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_narrowed_token_ends_with_the_key_of_the_one_it_is_of(site, valkey):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
    server, store = Server(valkey), Store(valkey.url, time.monotonic, deadline=PATIENT_S)
    server.age_next()
    await changes(store).rotate()
    # Until the broker has looked at its ring, which it does every second.
    guest = (await site.redeem(await site.guest_code())).json()
    while jwt.get_unverified_header(guest["access_token"])["kid"] == kid:
        guest = (await site.refresh(guest["refresh_token"])).json()
    answer = await site.exchange(tokens["access_token"], scope="chat")
    assert answer.status_code == 200, answer.text
    narrow = answer.json()["access_token"]
    assert jwt.get_unverified_header(narrow)["kid"] == kid
    assert (await ask(site, narrow)).json()["active"]
    await changes(store).retire(lambda key: key.kid == kid)
    # At once, although the broker may not have looked yet.
    for token in (tokens["access_token"], narrow):
        assert (await ask(site, token)).json() == INACTIVE
    assert refusal(await site.exchange(tokens["access_token"])) == ("invalid_request", "subject_token")
    await store.close()
    server.client.close()


async def test_revoking_a_narrowed_token_leaves_the_one_it_is_of(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    narrow = (await site.exchange(tokens["access_token"], scope="chat")).json()["access_token"]
    assert (await site.revoke(narrow)).status_code == 200
    assert (await ask(site, narrow)).json() == INACTIVE
    assert (await ask(site, tokens["access_token"])).json()["active"]


async def test_a_bound_token_is_exchanged_by_the_holder_of_its_key_alone(site, oauth):
    bound = await oauth(Key())
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    assert refusal(await site.exchange(tokens["access_token"])) == ("invalid_request", "subject_token")
    thief = await oauth(Key())
    assert refusal(await thief.exchange(tokens["access_token"])) == ("invalid_request", "subject_token")
    answer = await bound.exchange(tokens["access_token"])
    assert answer.json()["token_type"] == "DPoP"
    assert payload(answer.json()["access_token"])["cnf"] == {"jkt": bound.key.jkt}


async def test_a_token_without_a_key_can_be_bound_to_one(site, oauth):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    bound = await oauth(Key())
    answer = await bound.exchange(tokens["access_token"])
    assert payload(answer.json()["access_token"])["cnf"] == {"jkt": bound.key.jkt}


@pytest.mark.parametrize("form", ["token", "header"])
async def test_a_better_auth_session_is_exchanged_where_the_site_shows_its_token(site, make, form):
    async with make() as page:
        signed_in = await sign_in(page, EMAIL)
        sent = signed_in.json()["token"] if form == "token" else signed_in.headers["set-auth-token"]
    answer = await site.exchange(sent, SESSION_TOKEN)
    assert answer.status_code == 200
    assert answer.json()["scope"] == "chat history"
    assert "refresh_token" not in answer.json()


async def test_a_session_that_is_kept_in_a_cookie_is_exchanged_for_nothing(oauth, make):
    async with make(OTHER_SITE) as page:
        await sign_up(page, "bob@example.com")
        raw = page.cookies["better-auth.session_token"].partition(".")[0]
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    assert refusal(await other.exchange(raw, SESSION_TOKEN)) == ("invalid_request", "subject_token")
    docs = await oauth()
    assert refusal(await docs.exchange(raw, SESSION_TOKEN)) == ("invalid_request", "subject_token")


async def test_another_clients_tokens_are_exchanged_for_nothing(site, oauth):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    assert refusal(await other.exchange(tokens["access_token"])) == ("invalid_request", "subject_token")


async def test_an_active_token_is_described(site):
    token = (await site.signed_in(EMAIL, PASSWORD))["access_token"]
    answer = await ask(site, token)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"active": True, "token_type": "Bearer", **payload(token)}


async def test_a_bound_token_is_said_to_be_one(oauth, site):
    bound = await oauth(Key())
    found = (await ask(site, (await bound.signed_in(EMAIL, PASSWORD))["access_token"])).json()
    assert (found["token_type"], found["cnf"]) == ("DPoP", {"jkt": bound.key.jkt})


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
async def test_a_hint_changes_nothing(site, hint):
    token = (await site.signed_in(EMAIL, PASSWORD))["access_token"]
    assert (await ask(site, token, token_type_hint=hint)).json()["active"]


async def test_all_that_is_not_an_active_token_of_the_callers_is_answered_alike(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    for token in ("x", "a.b.c", tokens["refresh_token"], tokens["access_token"] + "x", "x" * 5000):
        answer = await ask(site, token)
        assert (answer.status_code, answer.json()) == (200, INACTIVE)
    assert (await ask(site, tokens["access_token"], OTHER_GATEWAY)).json() == INACTIVE
    await site.revoke(tokens["refresh_token"])
    assert (await ask(site, tokens["access_token"])).json() == INACTIVE


async def test_an_expired_token_is_inactive_at_once(start, oauth):
    now = [time.time()]
    site = await oauth(make=await start(now=lambda: now[0]))
    tokens = (await site.redeem(await site.guest_code())).json()
    now[0] = payload(tokens["access_token"])["exp"] - 1
    assert (await ask(site, tokens["access_token"])).json()["active"]
    now[0] += 1
    assert (await ask(site, tokens["access_token"])).json() == INACTIVE


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
async def test_a_signed_answer_is_for_its_caller_and_nothing_else(start, alg):
    # The only broker of its Redis, whose first key is of its own algorithm.
    make = await start(algorithm=alg)
    async with make(SITE) as page, make(None) as window:
        site = OAuthSite(page, window, ISSUER, "docs", CALLBACK)
        token = (await site.redeem(await site.guest_code())).json()["access_token"]
        answer = await window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY, headers=SIGNED)
        inactive = await window.post("/oauth2/introspect", data={"token": "x"}, auth=GATEWAY, headers=SIGNED)
        keys = jwt.PyJWKSet.from_dict((await window.get("/.well-known/jwks.json")).json())
    assert answer.headers["content-type"] == "application/token-introspection+jwt"
    header = jwt.get_unverified_header(answer.text)
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", alg)
    claims = jwt.decode(
        answer.text, keys[header["kid"]], algorithms=[alg], audience=GATEWAY[0], issuer=ISSUER
    )
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["token_introspection"] == {"active": True, "token_type": "Bearer", **payload(token)}
    assert payload(inactive.text)["token_introspection"] == INACTIVE


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        ({}, {}, 401),
        ({}, {"client_id": GATEWAY[0]}, 401),
        ({}, {"client_id": "docs"}, 401),
        ({}, {"client_id": GATEWAY[0], "client_secret": "wrong"}, 401),
        ({}, {"client_id": GATEWAY[0], "client_secret": OTHER_GATEWAY[1]}, 401),
        ({}, {"client_id": "", "client_secret": ""}, 401),
        ({}, {"client_id": "nobody", "client_secret": ""}, 401),
        ({}, {"client_id": GATEWAY[0], "client_secret": GATEWAY[1]}, 200),
        (basic(":"), {}, 401),
        (basic("gateway"), {}, 401),
        (basic("gateway:é"), {}, 401),
        ({"Authorization": "Basic !"}, {}, 401),
        ({"Authorization": "Basic " + "A" * 5000}, {}, 401),
        ({"Authorization": "Bearer x"}, {}, 401),
        (basic(":".join(GATEWAY).replace(" ", "+")), {}, 200),
        (basic(":".join(GATEWAY)), {"client_secret": GATEWAY[1]}, 400),
    ],
)
async def test_only_a_resource_server_may_ask(site, headers, fields, status):
    answer = await site.window.post("/oauth2/introspect", data={"token": "x", **fields}, headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["error"] == "invalid_client"
        assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_a_token_has_to_be_named(site):
    answer = await site.window.post(
        "/oauth2/introspect",
        data={},
        auth=GATEWAY,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert refusal(answer) == ("invalid_request", "token")


async def test_no_token_is_called_good_or_bad_without_redis(site, valkey):
    token = (await site.signed_in(EMAIL, PASSWORD))["access_token"]
    valkey.kill()
    answer = await ask(site, token)
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"


async def test_a_page_cannot_introspect(make):
    async with make(SITE) as page:
        assert (
            await page.post("/oauth2/introspect", data={"token": "x", "client_id": "docs"})
        ).status_code == 401
