"""Where a reader is signed in, listed and ended by a page of the site that shows a refresh token."""

import asyncio
import time

import pytest

from broker.limits import SESSION_LISTS
from broker.oauth.refresh import GRACE_MS
from tests.broker.oauth.families import record, refused
from tests.broker.service import EMAIL, GATEWAY, OTHER_CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_in, sign_up
from tests.oauth import Key

ELSEWHERE = "1.2.3.4"


@pytest.fixture
async def bound(oauth, page):
    await sign_up(page, EMAIL)
    page.cookies.clear()
    return await oauth(Key())


@pytest.fixture
async def unbound(bound, oauth):
    return await oauth()


@pytest.fixture
async def other_site(bound, oauth):
    return await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)


def sid(tokens):
    return tokens["refresh_token"].split("~")[2]


def listed(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def ids(answer):
    return [one["id"] for one in listed(answer)["sessions"]]


async def is_active(site, tokens):
    asked = {"token": tokens["access_token"]}
    answer = await site.window.post("/oauth2/introspect", data=asked, auth=GATEWAY)
    return answer.json()["active"]


async def test_a_reader_sees_where_they_are_signed_in(bound, unbound):
    unbound.window.headers["user-agent"] = "Another browser"
    first = await unbound.signed_in(EMAIL, PASSWORD)
    second = await bound.signed_in(EMAIL, PASSWORD)
    answer = await bound.sessions(second["refresh_token"])
    found = listed(answer)
    # The account's own sign-up made a session as well, by cookie.
    assert found["user"] == {"name": "Ada Lovelace", "email": EMAIL}
    newest, older, cookie = found["sessions"]
    assert newest.keys() == {"id", "created_at", "expires_at", "user_agent", "address", "current"}
    assert (newest["id"], newest["current"]) == (sid(second), True)
    assert (older["id"], older["current"]) == (sid(first), False)
    assert (older["user_agent"], older["address"]) == ("Another browser", "203.0.113.7")
    assert cookie["current"] is False
    assert abs(newest["created_at"] - time.time()) < 5
    assert newest["expires_at"] - newest["created_at"] == 7 * 86_400
    assert answer.headers["access-control-allow-origin"] == SITE


async def test_no_credential_is_in_the_list(bound):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    answer = await bound.sessions(tokens["refresh_token"])
    for secret in (tokens["refresh_token"].rpartition("~")[2], tokens["access_token"], "cgr~", "hash"):
        assert secret not in answer.text


async def test_only_sessions_of_that_site_are_shown_and_ended(bound, other_site, make):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    elsewhere = await other_site.signed_in(EMAIL, PASSWORD)
    assert sid(elsewhere) not in ids(await bound.sessions(tokens["refresh_token"]))
    assert ids(await other_site.sessions(elsewhere["refresh_token"])) == [sid(elsewhere)]
    answer = await bound.end_session(tokens["refresh_token"], sid(elsewhere))
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await other_site.refresh(elsewhere["refresh_token"])).status_code == 200


async def test_another_readers_session_is_neither_shown_nor_ended(bound, unbound, make):
    async with make() as other:
        await sign_up(other, "grace@example.com")
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    foreign = await unbound.signed_in("grace@example.com", PASSWORD)
    assert sid(foreign) not in ids(await bound.sessions(tokens["refresh_token"]))
    answer = await bound.end_session(tokens["refresh_token"], sid(foreign))
    assert (answer.status_code, answer.json()) == (200, {})
    assert await is_active(unbound, foreign)


@pytest.mark.parametrize("bad", ["x", "a" * 22, "a" * 500, "../../x", "{a}", "*", "\0" * 22, "é" * 22])
async def test_an_id_of_nothing_changes_nothing(bound, bad):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    before = ids(await bound.sessions(tokens["refresh_token"]))
    answer = await bound.end_session(tokens["refresh_token"], bad)
    assert (answer.status_code, answer.json()) == (200, {})
    assert ids(await bound.sessions(tokens["refresh_token"])) == before


async def test_a_session_that_is_ended_is_dead_with_its_tokens(bound, unbound):
    mine, theirs = await bound.signed_in(EMAIL, PASSWORD), await unbound.signed_in(EMAIL, PASSWORD)
    assert (await bound.end_session(mine["refresh_token"], sid(theirs))).json() == {}
    assert not await is_active(unbound, theirs)
    refused(await unbound.refresh(theirs["refresh_token"]))
    assert sid(theirs) not in ids(await bound.sessions(mine["refresh_token"]))
    # Once more, as after a reply that was lost.
    assert (await bound.end_session(mine["refresh_token"], sid(theirs))).status_code == 200
    assert await is_active(bound, mine)


async def test_the_own_session_can_be_ended_too(bound):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    assert (await bound.end_session(tokens["refresh_token"], sid(tokens))).status_code == 200
    refused(await bound.sessions(tokens["refresh_token"]))
    refused(await bound.refresh(tokens["refresh_token"]))


async def test_a_session_by_cookie_is_listed_and_ended_as_well(bound, make):
    async with make(address=ELSEWHERE) as browser:
        await sign_in(browser, EMAIL)
        session = (await browser.get("/api/auth/get-session")).json()["session"]["id"]
        tokens = await bound.signed_in(EMAIL, PASSWORD)
        [found] = [
            one
            for one in listed(await bound.sessions(tokens["refresh_token"]))["sessions"]
            if one["id"] == session
        ]
        assert found["address"] == ELSEWHERE
        assert (await bound.end_session(tokens["refresh_token"], session)).status_code == 200
        assert (await browser.get("/api/auth/get-session")).json() is None


async def test_a_guest_has_a_session_and_no_name(oauth):
    site = await oauth(Key())
    tokens = (await site.guest()).json()
    found = listed(await site.sessions(tokens["refresh_token"]))
    assert found["user"] is None
    assert [(one["id"], one["current"]) for one in found["sessions"]] == [(sid(tokens), True)]


async def test_nothing_rotates(bound):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    for _ in range(3):
        assert (await bound.sessions(tokens["refresh_token"])).status_code == 200
        assert (await bound.end_session(tokens["refresh_token"], "x")).status_code == 200
    assert (await bound.refresh(tokens["refresh_token"])).json()["refresh_token"].split("~")[3] == "2"


# Uses of the latest refresh token, how long ago the last one was, and the number of the token that is shown.
@pytest.mark.parametrize(
    ("is_bound", "uses", "aged_ms", "shown", "is_good"),
    [
        (True, 0, 0, 1, True),
        (True, 1, 0, 2, True),
        (True, 1, 0, 1, True),
        (True, 1, GRACE_MS - 5_000, 1, True),
        (True, 1, GRACE_MS + 1, 1, False),
        (True, 1, -GRACE_MS - 60_000, 1, False),
        (True, 2, 0, 1, False),
        (False, 0, 0, 1, True),
        (False, 1, 0, 2, True),
        (False, 1, 0, 1, False),
        (False, 2, 0, 1, False),
    ],
)
async def test_a_token_that_refresh_takes_is_taken_and_one_that_ends_the_session_is_refused(
    bound, unbound, valkey, is_bound, uses, aged_ms, shown, is_good
):
    site = bound if is_bound else unbound
    all_of = [await site.signed_in(EMAIL, PASSWORD)]
    for _ in range(uses):
        all_of.append((await site.refresh(all_of[-1]["refresh_token"])).json())
    latest, token = all_of[-1], all_of[shown - 1]["refresh_token"]
    rotated_at = int(record(valkey, latest["refresh_token"])["rotated_at"])
    before = record(valkey, latest["refresh_token"], rotated_at=rotated_at - aged_ms)
    for answer in (await site.sessions(token), await site.end_session(token, "a" * 22)):
        if is_good:
            assert answer.status_code == 200, answer.text
        else:
            refused(answer, "token: it was used before")
    after = record(valkey, latest["refresh_token"])
    assert after.pop("ttl") <= before.pop("ttl")
    # No token was spent and no session ended: only the token endpoint does that.
    assert after == before
    assert await is_active(site, latest)


async def test_another_key_another_client_or_another_maker_gets_nothing(bound, other_site, oauth):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    for site, word in (
        (await oauth(Key()), "another DPoP key"),
        (await oauth(), "another DPoP key"),
        (other_site, "unknown"),
    ):
        refused(await site.sessions(token), word)
        refused(await site.end_session(token, token.split("~")[2]), word)
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.replace("~1~", "~2~"),
        "x",
        "~" * 99,
    ):
        refused(await bound.sessions(forged), "unknown")
        refused(await bound.end_session(forged, token.split("~")[2]), "unknown")
    assert (await bound.sessions(token)).status_code == 200


async def test_an_access_token_is_no_refresh_token(bound):
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    refused(await bound.sessions(tokens["access_token"]), "unknown")


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("/oauth2/sessions", {}, (400, "invalid_request", "token")),
        ("/oauth2/sessions", {"client_id": "nobody", "token": "x"}, (401, "invalid_client", "client_id")),
        ("/oauth2/sessions", {"client_id": "other", "token": "x"}, (403, "unauthorized_client", "client_id")),
        ("/oauth2/sessions/revoke", {"session_id": "x"}, (400, "invalid_request", "token")),
        ("/oauth2/sessions/revoke", {"token": "x"}, (400, "invalid_request", "session_id")),
    ],
)
async def test_an_error_names_the_parameter_that_is_at_fault(oauth, path, parameters, expected):
    answer = await (await oauth()).send(path, **parameters)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_description"].partition(":")[0]) == expected


@pytest.mark.parametrize("path", ["/oauth2/sessions", "/oauth2/sessions/revoke"])
async def test_a_proof_is_judged_as_at_the_token_endpoint(bound, path):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    parameters = {"token": token, "session_id": "x"}
    address = f"{bound.issuer}{path}"
    bare = await bound.send(path, proof=bound.key.proof("POST", address), **parameters)
    assert (bare.status_code, bare.json()["error"]) == (400, "use_dpop_nonce")
    proof = bound.key.proof("POST", address, nonce=bare.headers["dpop-nonce"])
    first = await bound.send(path, proof=proof, **parameters)
    assert first.status_code == 200
    assert first.headers["dpop-nonce"]
    again = await bound.send(path, proof=proof, **parameters)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
    elsewhere = bound.key.proof("POST", f"{bound.issuer}/oauth2/token", nonce=bound.nonce)
    answer = await bound.send(path, proof=elsewhere, **parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    # An error after a good proof brings the next nonce as well.
    dead = await bound.send(path, **{**parameters, "token": "x"})
    assert (dead.json()["error"], bool(dead.headers["dpop-nonce"])) == ("invalid_grant", True)


async def test_a_reader_looks_only_so_often(bound, unbound):
    await unbound.signed_in(EMAIL, PASSWORD)
    token = (await unbound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    answers = await asyncio.gather(*(unbound.sessions(token) for _ in range(SESSION_LISTS)))
    assert {answer.status_code for answer in answers} == {200}
    answer = await unbound.end_session(token, "x")
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert 50 < int(answer.headers["retry-after"]) <= 60
    # An unknown token spends no reader's share, and signing out has no limit.
    refused(await unbound.sessions("x"))
    assert (await unbound.revoke(token)).status_code == 200


async def test_without_redis_nothing_is_listed_or_called_ended(bound, unbound, valkey):
    token = (await unbound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    valkey.kill()
    for answer in (await unbound.sessions(token), await unbound.end_session(token, "a" * 22)):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_an_account_that_is_gone_has_no_sessions(bound, make):
    token = (await bound.signed_in(EMAIL, PASSWORD))["refresh_token"]
    async with make() as browser:
        await sign_in(browser, EMAIL)
        assert (await browser.post("/api/auth/delete-user", json={"password": PASSWORD})).status_code == 200
    refused(await bound.sessions(token))


async def test_the_metadata_names_both_addresses(page):
    found = (await page.get("/.well-known/oauth-authorization-server")).json()
    assert found["chatgate_sessions_endpoint"] == f"{found['issuer']}/oauth2/sessions"
    assert found["chatgate_session_revocation_endpoint"] == f"{found['issuer']}/oauth2/sessions/revoke"
