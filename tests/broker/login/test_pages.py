"""The broker's own pages: nothing a request brings becomes markup, and the policy allows what is there."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from broker.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from broker.login.languages import LANGUAGES
from broker.login.pages import ErrorName, FormError, SignInPage, error_page, headers, sign_in_page
from tests.matches import find

ENGLISH = LANGUAGES["en"]
PAGE = SignInPage(
    language=ENGLISH,
    site="handbook",
    host="owner.github.io",
    query="client_id=handbook&state=a%26b",
    cancel_url="https://owner.github.io/book/signed-in?error=access_denied&state=a%26b",
    sign_up=True,
    guests=True,
    screen="sign-in",
)
SIGN_UP = replace(PAGE, screen="sign-up")
HOSTILE = (
    '"><script>alert(1)</script>',
    "' autofocus onfocus=alert(1) x='",
    "</style></title></textarea><img src=x onerror=alert(1)>",
    "{title} {0} {value.__class__}",
    "&quot;&lt;b&gt;",
    "<!--",
    "\u2028\x00\x0c<b",
)
VOID = {"meta", "input"}


class Read(HTMLParser):
    """A page's elements in order, its texts, and what is not well nested."""

    def __init__(self, page):
        super().__init__()
        self.elements: list[Any] = []
        self.texts: list[Any] = []
        self._open: list[Any] = []
        self.feed(page.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attrs)))
        self._open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for found, attributes in self.elements if found == tag]

    def input(self, name):
        (found,) = [one for one in self.all("input") if one["name"] == name]
        return found

    @property
    def shape(self):
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]


def title(page):
    return find(r"<title>(.*)</title>", page.decode(), re.S)[1]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["site", "host", "query", "cancel_url", "email", "name"])
def test_no_value_can_become_markup(field, hostile):
    harmless = replace(SIGN_UP, error=FormError("try_again"))
    read = Read(sign_in_page(replace(harmless, **{field: hostile})))
    assert read.shape == Read(sign_in_page(harmless)).shape
    assert any(hostile in text for text in shown(read))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_of_a_language_can_become_markup(hostile):
    # A brace of a text would be a place to fill.
    escaped = hostile.replace("{", "{{").replace("}", "}}")
    pages = [
        Read(
            sign_in_page(
                replace(SIGN_UP, error=FormError("try_again"), language=replace(ENGLISH, texts=texts))
            )
        )
        for texts in (dict.fromkeys(ENGLISH.texts, "plain"), dict.fromkeys(ENGLISH.texts, escaped))
    ]
    assert pages[0].shape == pages[1].shape
    assert sum(hostile in text for text in shown(pages[1])) >= 10


def shown(read):
    """The texts and the values. A NUL is no character of HTML: a browser shows U+FFFD, and this parser leaves
    it."""
    return [
        *read.texts,
        *(value for _, attributes in read.elements for value in attributes.values() if value),
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_error_page_shows_its_detail_as_text(hostile):
    read = Read(error_page(ENGLISH, "link", hostile))
    assert read.shape == Read(error_page(ENGLISH, "link", "plain")).shape
    assert any(hostile in text for text in read.texts)
    assert {"class": "detail", "lang": "en", "dir": "ltr"} in read.all("p")
    assert not any(one.get("class") for one in Read(error_page(ENGLISH, "link")).all("p"))


@pytest.mark.parametrize(
    "page", [sign_in_page(PAGE), sign_in_page(SIGN_UP), error_page(ENGLISH, "link", "client_id: …")]
)
def test_a_page_has_one_style_that_its_policy_names_and_no_script(page):
    (style,) = re.findall(rb"<style>(.*?)</style>", page, re.S)
    digest = b64encode(sha256(style).digest()).decode()
    policy = headers(None)["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}';" in policy
    assert not re.search(rb"<script|<link|<img|\sstyle=|\son\w+=|url\(|@import|javascript:", page)
    read = Read(page)
    assert read.all("html") == [{"lang": "en", "dir": "ltr"}]
    assert len(read.all("h1")) == len(read.all("main")) == 1


def test_the_policy_lets_a_form_lead_to_the_site_alone():
    sent = headers("https://owner.github.io")
    assert sent["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert sent["Content-Security-Policy"].endswith(
        "; form-action 'self' https://owner.github.io; frame-ancestors 'none'; base-uri 'none'"
    )
    assert "form-action 'none';" in headers(None)["Content-Security-Policy"]
    # No policy can name such a host.
    assert "form-action 'self' http:;" in headers("http://[::1]:3000")["Content-Security-Policy"]
    del sent["Content-Security-Policy"]
    assert sent == {
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


@pytest.mark.parametrize(("page", "path"), [(PAGE, "/login"), (SIGN_UP, "/login/sign-up")])
def test_every_form_and_link_carries_the_request_on(page, path):
    read = Read(sign_in_page(page))
    assert read.all("form") == [
        {"method": "post", "action": f"{path}?{PAGE.query}"},
        {"method": "post", "action": f"/login/guest?{PAGE.query}"},
    ]
    other = {"/login": "/login/sign-up", "/login/sign-up": "/login"}[path]
    assert [link["href"] for link in read.all("a")] == [f"{other}?{PAGE.query}", PAGE.cancel_url]


def test_features_that_a_site_does_not_offer_are_not_shown():
    read = Read(sign_in_page(replace(PAGE, sign_up=False, guests=False)))
    assert [form["action"] for form in read.all("form")] == [f"/login?{PAGE.query}"]
    assert [link["href"] for link in read.all("a")] == [PAGE.cancel_url]


def test_fields_are_labelled_and_known_to_password_managers():
    expected = {
        "sign-in": {"email": "username", "password": "current-password"},
        "sign-up": {"name": "name", "email": "username", "password": "new-password"},
    }
    for page in (PAGE, SIGN_UP):
        read = Read(sign_in_page(page))
        assert {one["name"]: one["autocomplete"] for one in read.all("input")} == expected[page.screen]
        assert [one["for"] for one in read.all("label")] == [one["id"] for one in read.all("input")]
        assert all("required" in one for one in read.all("input"))


def test_the_rule_for_new_passwords_is_said_at_their_field():
    read = Read(sign_in_page(SIGN_UP))
    field = read.input("password")
    assert (field["minlength"], field["aria-describedby"]) == (str(MIN_LENGTH), "password-rule")
    # A pasted password that is too long has to be refused, not cut.
    assert "maxlength" not in field
    assert any(f"{MIN_LENGTH} to {MAX_LENGTH} characters" in text for text in read.texts)
    assert "minlength" not in Read(sign_in_page(PAGE)).input("password")


@pytest.mark.parametrize("field", ["name", "email", "password"])
def test_an_error_is_at_its_field_which_has_the_focus(field):
    wrong = replace(SIGN_UP, error=FormError("email_unusable", field), email="ada@example.com", name="Ada")
    page = sign_in_page(wrong)
    read = Read(page)
    assert title(page) == "Error: Create an account – handbook"
    assert read.all("p").count({"class": "error", "id": "error", "role": "alert"}) == 1
    described = {one["name"]: "error" in one.get("aria-describedby", "").split() for one in read.all("input")}
    assert described == {name: name == field for name in ("name", "email", "password")}
    assert [one["name"] for one in read.all("input") if one.get("aria-invalid") == "true"] == [field]
    assert [attributes.get("name") for _, attributes in read.elements if "autofocus" in attributes] == [field]
    assert [one["value"] for one in read.all("input")] == ["Ada", "ada@example.com", ""]


def test_an_error_of_no_field_has_the_focus_itself():
    page = sign_in_page(replace(PAGE, error=FormError("too_many"), email="ada@example.com"))
    read = Read(page)
    assert title(page) == "Error: Sign in – handbook"
    focused = [attributes for _, attributes in read.elements if "autofocus" in attributes]
    assert [(one["role"], one["tabindex"]) for one in focused] == [("alert", "-1")]
    assert not any("aria-invalid" in one for one in read.all("input"))
    assert read.input("email")["value"] == "ada@example.com"


def test_a_page_without_an_error_speaks_of_none():
    page = sign_in_page(PAGE)
    assert title(page) == "Sign in – handbook"
    assert b"alert" not in page
    assert b"autofocus" not in page


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("page", [PAGE, SIGN_UP], ids=["sign-in", "sign-up"])
def test_a_page_is_wholly_in_its_language(language, page):
    read = Read(sign_in_page(replace(page, language=language, error=FormError("too_many"))))
    assert read.all("html") == [{"lang": language.tag, "dir": language.direction}]
    english = {text for text in ENGLISH.texts.values() if "{" not in text}
    own = {text.strip() for text in read.texts} - {page.site, page.host}
    if language is not ENGLISH:
        assert own & english <= {"Name"}
    assert language.texts["too_many"] in own
    # The names of the site, and what is read from left to right in every language.
    assert sorted(one["dir"] for one in read.all("strong")) == ["auto", "ltr"]
    for one in read.all("input"):
        assert one["dir"] == (language.direction if one["name"] == "name" else "ltr")


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("error", get_args(ErrorName))
def test_an_error_page_says_what_to_do_in_every_language(language, error):
    read = Read(error_page(language, error))
    assert read.all("html") == [{"lang": language.tag, "dir": language.direction}]
    assert language.texts[f"{error}_title"] in read.texts
    assert language.texts[f"{error}_text"] in read.texts
