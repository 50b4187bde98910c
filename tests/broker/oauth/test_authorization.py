"""/oauth2/authorize: what may be asked, and where an answer may go."""

import asyncio
from urllib.parse import urlencode, urlsplit

import pytest

from tests.broker.service import CALLBACK, ISSUER, OTHER_CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_up
from tests.oauth import Key, answer_in

LONG = "s" * 1025


async def test_a_good_request_leads_to_the_login_page(site):
    answer = await site.authorize()
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert (location.netloc, location.path) == ("", "/login")
    shown = await site.window.get(answer.headers["location"])
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/html")
    assert "owner.github.io" in shown.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": CALLBACK, "client_id": "other"},
        {"redirect_uri": None},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": f"{CALLBACK}#x"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": CALLBACK.replace("https", "http")},
        {"redirect_uri": CALLBACK.replace("github.io", "github.io:443")},
        {"redirect_uri": CALLBACK.replace("/book/", "/book/../book/")},
        {"redirect_uri": CALLBACK.replace("/book/", "//book/")},
        {"redirect_uri": CALLBACK.replace("owner.", "owner.github.io@evil.")},
        {"redirect_uri": CALLBACK.replace("signed-in", "signed%2Din")},
        {"redirect_uri": f"{CALLBACK}\r\nX: y"},
        {"redirect_uri": f"{CALLBACK}\0"},
        {"redirect_uri": f" {CALLBACK}"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "//owner.github.io/book/signed-in"},
        {"redirect_uri": "javascript:alert(1)//" + CALLBACK},
        {"redirect_uri": OTHER_CALLBACK},
        {"state": LONG},
        {"state": "line\nbreak"},
        {"state": "é"},
    ],
)
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login", "/login/sign-up"])
async def test_an_answer_goes_to_no_address_but_a_registered_one(site, changes, path):
    answer = await site.window.get(f"{path}?{urlencode(site.request(**changes))}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    named = next(iter(changes))
    assert f"{named}:" in answer.text
    assert "evil.example" not in answer.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "code_challenge"])
async def test_a_parameter_that_is_sent_twice_is_refused_without_a_redirect(site, name):
    query = urlencode([*site.request().items(), (name, site.request()[name])])
    answer = await site.window.get(f"/oauth2/authorize?{query}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert f"{name}: it was sent more than once" in answer.text


@pytest.mark.parametrize("query", ["%ff=1", "&".join("ab" for _ in range(40)), "x=" + "y" * 20_000])
async def test_a_query_that_cannot_be_read_is_a_page_that_says_so(site, query):
    answer = await site.window.get(f"/oauth2/authorize?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"response_type": None}, "invalid_request", "response_type"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type", "response_type"),
        ({"response_mode": "fragment"}, "invalid_request", "response_mode"),
        ({"code_challenge": None}, "invalid_request", "code_challenge"),
        ({"code_challenge": ""}, "invalid_request", "code_challenge"),
        ({"code_challenge": "short"}, "invalid_request", "code_challenge"),
        ({"code_challenge": "x" * 44}, "invalid_request", "code_challenge"),
        ({"code_challenge": "+" * 43}, "invalid_request", "code_challenge"),
        ({"code_challenge_method": None}, "invalid_request", "code_challenge_method"),
        ({"code_challenge_method": "plain"}, "invalid_request", "code_challenge_method"),
        ({"code_challenge_method": "s256"}, "invalid_request", "code_challenge_method"),
        ({"scope": "chat admin"}, "invalid_scope", "scope"),
        ({"scope": "openid"}, "invalid_scope", "scope"),
        ({"scope": "x" * 200}, "invalid_scope", "scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target", "resource"),
        ({"dpop_jkt": "short"}, "invalid_request", "dpop_jkt"),
        ({"request": "e30.e30."}, "request_not_supported", "request"),
        ({"request_uri": "https://evil.example/"}, "request_not_supported", "request"),
    ],
)
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login"])
async def test_the_site_is_told_what_is_wrong_with_its_request(site, changes, error, named, path):
    answer = await site.window.get(f"{path}?{urlencode(site.request(**changes))}")
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    told = answer_in(answer)
    assert told["error"] == error
    assert told["error_description"].startswith(f"{named}: ")
    assert (told["state"], told["iss"]) == ("the state", ISSUER)


async def test_an_answer_is_added_to_the_query_that_a_registered_address_has(oauth):
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    told = answer_in(await other.authorize(response_type="token"))
    assert told["from"] == "chat"
    assert told["error"] == "unsupported_response_type"


async def test_state_is_given_back_as_it_came_and_only_if_it_came(site, page):
    await sign_up(page, "ada@example.com")
    fields = {"email": "ada@example.com", "password": PASSWORD}
    odd = "a+b &c=d%20\"'<>;/?#~"
    assert answer_in(await site.post_form("", fields, state=odd))["state"] == odd
    assert "state" not in answer_in(await site.post_form("", fields, state=None))


async def test_pages_are_closed_to_scripts_and_frames_and_set_no_cookie(site, make):
    answer = await site.authorize()
    shown = await site.window.get(answer.headers["location"])
    for one in (answer, shown):
        assert "cross-origin-opener-policy" not in one.headers
        assert "set-cookie" not in one.headers
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in one.headers["content-security-policy"]
    assert f"form-action 'self' {SITE};" in shown.headers["content-security-policy"]
    async with make(SITE) as page:
        read = await page.get(answer.headers["location"])
        assert "access-control-allow-origin" not in read.headers
        preflight = await page.options("/oauth2/authorize", headers={"Access-Control-Request-Method": "GET"})
        assert preflight.status_code == 405
        assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "CONNECT"])
async def test_the_authorization_endpoint_takes_get_alone(site, method):
    assert (await site.window.request(method, "/oauth2/authorize")).status_code == 405


async def test_two_windows_of_one_reader_each_get_a_code_of_their_own(oauth, page):
    await sign_up(page, "ada@example.com")
    one, two = await oauth(Key()), await oauth(Key())
    codes = await asyncio.gather(one.code("ada@example.com", PASSWORD), two.code("ada@example.com", PASSWORD))
    assert len(set(codes)) == 2
    assert (await one.redeem(codes[0])).status_code == 200
    assert (await two.redeem(codes[1])).status_code == 200
