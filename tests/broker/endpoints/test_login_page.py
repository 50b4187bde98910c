"""The forms of /login: the pages that may send them, their refusals, and the readers whom they sign in."""

import re
from urllib.parse import urlencode

import pytest

from tests.broker.service import ISSUER, OTHER_CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_up
from tests.oauth import answer_in


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ISSUER}, 303),
        ({"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": SITE, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": ISSUER, "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_only_the_page_itself_may_send_its_forms(site, page, headers, status):
    await sign_up(page, "ada@example.com")
    fields = {"email": "ada@example.com", "password": PASSWORD}
    answer = await site.window.post(f"/login?{urlencode(site.request())}", data=fields, headers=headers)
    assert answer.status_code == status
    assert ("location" in answer.headers) == (status == 303)


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(site, page):
    await sign_up(page, "ada@example.com")
    wrong = await site.post_form("", {"email": "ada@example.com", "password": "not the password"})
    unknown = await site.post_form("", {"email": "eve@example.com", "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("ada@", "eve@") == unknown.text
    assert 'role="alert"' in wrong.text
    assert 'value="ada@example.com"' in wrong.text
    assert "not the password" not in wrong.text


async def test_typed_text_comes_back_as_text(site):
    hostile = '"><script>alert(1)</script>@example.com'
    answer = await site.post_form("", {"email": hostile, "password": "x"})
    assert answer.status_code == 400
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"name": "Ada", "email": "ada@example.com", "password": PASSWORD}, 422, "account already"),
        ({"name": "Ada", "email": "no address", "password": PASSWORD}, 400, "not an e-mail address"),
        ({"name": "Ada", "email": "new@example.com", "password": "short"}, 400, "needs 8 characters"),
        ({"name": "Ada", "email": "new@example.com", "password": "x" * 129}, 400, "at most 128"),
        ({"name": "Ada", "email": "new@example.com", "password": "password1"}, 400, "choose another"),
        ({"name": "A" * 300, "email": "new@example.com", "password": PASSWORD}, 400, "too long"),
        ({}, 400, "not an e-mail address"),
    ],
)
async def test_a_sign_up_says_what_is_wrong(site, page, fields, status, words):
    await sign_up(page, "ada@example.com")
    answer = await site.post_form("/sign-up", fields)
    assert answer.status_code == status
    assert re.search(f'role="alert"[^<]*{words}', answer.text.replace("<p>", ""), re.IGNORECASE)


async def test_a_reader_signs_up_and_is_signed_in_with_it(site):
    fields = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    code = answer_in(await site.post_form("/sign-up", fields))["code"]
    assert (await site.redeem(code)).status_code == 200
    assert (await site.redeem(await site.code("ada@example.com", PASSWORD))).status_code == 200


async def test_sign_up_is_offered_only_where_it_is_open(start, oauth):
    closed = await oauth(make=await start(sign_up=False))
    shown = await closed.window.get(f"/login?{urlencode(closed.request())}")
    assert "/login/sign-up" not in shown.text
    fields = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    answer = await closed.post_form("/sign-up", fields)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_a_guest_may_continue_where_the_site_takes_guests(oauth):
    docs = await oauth()
    tokens = await docs.redeem(await docs.guest_code())
    assert tokens.status_code == 200
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    answer = await other.post_form("/guest", {})
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    shown = await other.window.get(f"/login?{urlencode(other.request())}")
    assert "/login/guest" not in shown.text


async def test_the_address_of_the_guests_form_leads_to_the_page_it_is_on(site):
    query = urlencode(site.request())
    answer = await site.window.get(f"/login/guest?{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?{query}")


async def test_guessing_at_the_form_is_limited_like_any_other_sign_in(start, config, oauth):
    limits = config.sign_in.model_copy(update={"failures_per_account": 3})
    site = await oauth(make=await start(sign_in=limits))
    fields = {"email": "ada@example.com", "password": "a wrong password"}
    statuses = [(await site.post_form("", fields)).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    last = await site.post_form("", fields)
    assert int(last.headers["retry-after"]) > 0
    assert 'role="alert"' in last.text


async def test_without_redis_the_form_stays_and_says_that_it_did_not_work(site, page, valkey):
    await sign_up(page, "ada@example.com")
    valkey.kill()
    fields = {"email": "ada@example.com", "password": PASSWORD}
    answer = await site.post_form("", fields)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert 'value="ada@example.com"' in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("text/plain", b"email=a", 400),
        ("application/x-www-form-urlencoded", b"email=a&email=b", 400),
        ("application/x-www-form-urlencoded", b"email=%ff", 400),
        ("application/x-www-form-urlencoded", b"password=" + b"x" * 20_000, 413),
    ],
)
async def test_a_body_that_is_no_form_is_refused(site, kind, body, status):
    answer = await site.window.post(
        f"/login?{urlencode(site.request())}",
        content=body,
        headers={"Origin": ISSUER, "Content-Type": kind},
    )
    assert answer.status_code == status
    assert "location" not in answer.headers
