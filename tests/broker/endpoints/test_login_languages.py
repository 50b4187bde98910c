"""The language of /login: chosen from the request, and kept by every form and link."""

import re
from urllib.parse import urlencode

import pytest

from tests.broker.service import PASSWORD, SITE
from tests.matches import find


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
    # The language is not passed on to the site, which named it.
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
async def test_a_fault_is_told_in_the_language_of_the_page(site, screen, fields, words):
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
