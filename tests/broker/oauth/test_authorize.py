"""/oauth2/authorize and /login: what may be asked, where an answer may go, and who may sign in there."""

import asyncio
import re
from urllib.parse import urlencode, urlsplit

import pytest

from tests.broker.service import CALLBACK, ISSUER, OTHER_CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_up
from tests.matches import find
from tests.oauth import Key, answer_in

LONG = "s" * 1025


@pytest.fixture
async def site(oauth):
    return await oauth()


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


async def test_what_was_typed_comes_back_as_text(site):
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


async def test_two_windows_of_one_reader_each_get_a_code_of_their_own(oauth, page):
    await sign_up(page, "ada@example.com")
    one, two = await oauth(Key()), await oauth(Key())
    codes = await asyncio.gather(one.code("ada@example.com", PASSWORD), two.code("ada@example.com", PASSWORD))
    assert len(set(codes)) == 2
    assert (await one.redeem(codes[0])).status_code == 200
    assert (await two.redeem(codes[1])).status_code == 200


@pytest.mark.parametrize(
    ("ui_locales", "accepted", "lang", "direction", "word"),
    [
        (None, "", "en", "ltr", "Sign in"),
        ("de-AT", "", "de", "ltr", "Anmelden"),
        ("ur en", "de", "ur", "rtl", "سائن اِن کریں"),
        (None, "ar-EG,ar;q=0.9", "ar", "rtl", "تسجيل الدخول"),
        ("pl", "ja", "ja", "ltr", "ログイン"),
        ("x" * 300, "zh-CN", "zh-Hans", "ltr", "登录"),
        ("<script>", "fr", "fr", "ltr", "Se connecter"),
    ],
)
async def test_the_page_speaks_the_readers_language(site, ui_locales, accepted, lang, direction, word):
    site.window.headers["Accept-Language"] = accepted
    asked = await site.authorize(ui_locales=ui_locales)
    shown = await site.window.get(asked.headers["location"])
    assert f'<html lang="{lang}" dir="{direction}">' in shown.text
    assert f"<h1>{word}</h1>" in shown.text
    assert shown.headers["content-language"] == lang
    assert "<script" not in shown.text


async def test_every_form_and_link_of_the_page_carries_its_language_on(site):
    asked = await site.authorize(ui_locales="fr-CA de")
    shown = await site.window.get(asked.headers["location"])
    led = re.findall(r'(?:action|href)="(/[^"]*)"', shown.text)
    assert len(led) == 3
    assert all("ui_locales=fr-CA+de" in one for one in led)
    # It is not for the site, which named it.
    assert "ui_locales" not in find(rf'href="({SITE}[^"]*)"', shown.text)[1]


@pytest.mark.parametrize("bad", ["de,fr", "x" * 300, "de  fr", "../de", "é"])
async def test_a_misshapen_language_is_not_carried_on(site, bad):
    assert "ui_locales" not in (await site.authorize(ui_locales=bad)).headers["location"]


@pytest.mark.parametrize(
    ("screen", "fields", "words"),
    [
        ("", {"email": "ada@example.com", "password": "x" * 12}, "Die E-Mail-Adresse oder das Passwort"),
        ("/sign-up", {"name": "Ada", "email": "no address", "password": PASSWORD}, "Diese E-Mail-Adresse"),
        ("/sign-up", {"name": "Ada", "email": "a@example.com", "password": "short"}, "mindestens 8 Zeichen"),
        ("/sign-up", {"name": "Ada", "email": "a@example.com", "password": "x" * 129}, "höchstens 128"),
        ("/sign-up", {"name": "Ada", "email": "a@example.com", "password": "password1"}, "ein anderes"),
        (
            "/sign-up",
            {"name": "Ada", "email": "a@example.com", "password": "x\0" * 9},
            "nicht verwendet werden",
        ),
        ("/sign-up", {"name": "A" * 257, "email": "a@example.com", "password": PASSWORD}, "höchstens 256"),
    ],
)
async def test_what_is_wrong_is_said_in_the_language_of_the_page(site, screen, fields, words):
    answer = await site.post_form(screen, fields, ui_locales="de")
    assert 400 <= answer.status_code < 500
    assert re.search(f'role="alert"[^<]*{words}', answer.text)
    assert '<html lang="de" dir="ltr">' in answer.text


async def test_a_page_that_leads_nowhere_speaks_the_readers_language_too(site, valkey):
    site.window.headers["Accept-Language"] = "de"
    unknown = await site.authorize(client_id="nobody")
    assert "<h1>Dieser Link funktioniert nicht</h1>" in unknown.text
    assert '<p class="detail" lang="en" dir="ltr">client_id: no site has this name.</p>' in unknown.text
    assert unknown.headers["content-language"] == "de"
    spanish = await site.authorize(client_id="nobody", ui_locales="es")
    assert "<h1>Este enlace no funciona</h1>" in spanish.text
    assert (await site.window.get("/login/nothing")).text.count("Hier ist nichts") == 2
    foreign = await site.window.post(f"/login?{urlencode(site.request())}", data={"email": "x"})
    assert (foreign.status_code, "Das Formular kam von" in foreign.text) == (403, True)
    # A language that is sent twice is a parameter that is sent twice.
    query = urlencode([*site.request().items(), ("ui_locales", "ja"), ("ui_locales", "de")])
    twice = await site.window.get(f"/oauth2/authorize?{query}")
    assert (twice.status_code, "ui_locales: it was sent more than once" in twice.text) == (400, True)


async def test_the_metadata_names_the_languages(site):
    found = (await site.page.get("/.well-known/oauth-authorization-server")).json()
    assert found["ui_locales_supported"] == ["en", "de", "es", "fr", "ar", "ur", "zh-Hans", "ja"]
