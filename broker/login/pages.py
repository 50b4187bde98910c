"""The pages that the broker shows to a reader, as bytes: no script, no cookie, one inline style sheet.

They are plain templates: three short pages do not justify a template engine in a process whose memory is
limited, and so `_html` is the one place where a value becomes HTML.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Final, Literal

from broker.accounts.accounts import MAX_NAME
from broker.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from broker.login.languages import Language

STYLE: Final = resources.files("broker.login").joinpath("pages.css").read_text(encoding="utf-8")
STYLE_HASH: Final = f"sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}"


ErrorName = Literal["link", "foreign", "nothing", "method", "busy", "failed"]
"""The reason for an error page. The texts of its heading and of its advice are filed under this name."""


@dataclass(frozen=True, slots=True)
class FormError:
    """The fault and its mend. Shown at its field, or above all fields when it is about none. `text` is a name
    in the files of texts/."""

    text: str
    field: Literal["name", "email", "password", ""] = ""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """`language` is the reader's. `site` is a client id and `host` the host of its pages. `query` is the
    authorization request, which every form and link carries on; `cancel_url` leads back to the site with
    `error=access_denied`.

    `email` and `name` are put back into their fields after an error; the password never is.
    """

    language: Language
    site: str
    host: str
    query: str
    cancel_url: str
    sign_up: bool
    guests: bool
    screen: Literal["sign-in", "sign-up"]
    error: FormError | None = None
    email: str = ""
    name: str = ""


class _Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _html(template: str, **values: str) -> _Html:
    """`template` with `values` in its braces. A value that is not HTML yet is escaped, quotes included, which
    is safe between tags and in quoted attributes; templates have braces in no other place."""
    safe = {name: value if isinstance(value, _Html) else escape(value) for name, value in values.items()}
    return _Html(template.format_map(safe))


def _text(language: Language, name: str, **values: str) -> _Html:
    """A text of the language, in which `values` may be HTML; numbers are filled in."""
    return _html(escape(language.texts[name]), **_FIGURES, **values)


_FIGURES: Final = {"least": str(MIN_LENGTH), "most": str(MAX_LENGTH), "name_most": str(MAX_NAME)}
_NOTHING: Final = _Html("")

_DOCUMENT: Final = """<!doctype html>
<html lang="{lang}" dir="{direction}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<style>{style}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""

_SIGN_IN: Final = """<h1>{title}</h1>
<p class="site">{for_site}</p>
{alert}<form method="post" action="{path}?{query}">
{fields}<button class="primary">{title}</button>
</form>
{guest}<p class="ways">{switch}<a href="{cancel_url}">{cancel}</a></p>"""

# Its own direction, as neither name is in the page's language.
_NAME: Final = """<strong dir="{direction}">{name}</strong>"""

_FIELD: Final = """<div class="field">
<label for="{name}">{label}</label>
{hint}{alert}<input id="{name}" name="{name}" type="{type}" autocomplete="{autocomplete}" dir="{direction}" \
value="{value}" required{rule}{state}>
</div>
"""

_ALERT: Final = """<p class="error" id="error" role="alert"{focus}>{message}</p>
"""

_GUEST: Final = """<p class="or">{or_}</p>
<form method="post" action="/login/guest?{query}">
<button>{guest}</button>
</form>
"""

_SWITCH: Final = """<span>{question} <a href="{path}?{query}">{answer}</a></span>
"""

_NEW_RULE: Final = """<p class="hint" id="password-rule">{rule}</p>
"""

_ERROR: Final = """<h1>{title}</h1>
<p>{text}</p>{detail}"""

_DETAIL: Final = """
<p class="detail" lang="en" dir="ltr">{detail}</p>"""


def sign_in_page(page: SignInPage) -> bytes:
    """The screen for signing in, or the one for making an account."""
    is_new = page.screen == "sign-up"
    title = _text(page.language, "create_account" if is_new else "sign_in")
    content = _html(
        _SIGN_IN,
        title=title,
        for_site=_text(page.language, "for_site", site=_name(page.site), host=_name(page.host, "ltr")),
        alert=_alert(page, page.error) if page.error and not page.error.field else _NOTHING,
        path="/login/sign-up" if is_new else "/login",
        query=page.query,
        fields=_sign_up_fields(page) if is_new else _sign_in_fields(page),
        guest=_guest(page) if page.guests else _NOTHING,
        switch=_switch(page),
        cancel_url=page.cancel_url,
        cancel=_text(page.language, "cancel"),
    )
    heading = "error_title" if page.error else "page_title"
    return _document(page.language, _text(page.language, heading, title=title, site=page.site), content)


def error_page(language: Language, error: ErrorName, detail: str = "") -> bytes:
    """A page for a request that leads nowhere, so that the reader is told here. `detail` is English, for the
    developer who made the link."""
    title = _text(language, f"{error}_title")
    content = _html(
        _ERROR,
        title=title,
        text=_text(language, f"{error}_text"),
        detail=_html(_DETAIL, detail=detail) if detail else _NOTHING,
    )
    return _document(language, title, content)


def headers(redirect_origin: str | None) -> dict[str, str]:
    """The headers of every page. `redirect_origin` is the site to which the answer of a form may lead, None
    where there is no form. It is an origin that the configuration has checked.

    There is no Cross-Origin-Opener-Policy: any value but none would cut a popup from the page that opened it.
    """
    # Chromium applies form-action to the redirect after a form post too.
    form_action = f"'self' {_source(redirect_origin)}" if redirect_origin else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src '{STYLE_HASH}'; form-action {form_action};"
            " frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: with it a form post says `Origin: null` and looks like a forged one.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _source(origin: str) -> str:
    # CSP's grammar has no IPv6 address, and browsers drop a source that they cannot parse: the redirect would
    # be blocked.
    return origin.partition("//")[0] if "[" in origin else origin


def _document(language: Language, title: _Html, content: _Html) -> bytes:
    return _html(
        _DOCUMENT,
        lang=language.tag,
        direction=language.direction,
        title=title,
        style=_Html(STYLE),
        content=content,
    ).encode()


def _name(name: str, direction: Literal["auto", "ltr"] = "auto") -> _Html:
    return _html(_NAME, name=name, direction=direction)


def _sign_in_fields(page: SignInPage) -> _Html:
    return _Html(_field(page, _EMAIL, page.email) + _field(page, _PASSWORD))


def _sign_up_fields(page: SignInPage) -> _Html:
    return _Html(_field(page, _READER, page.name) + _field(page, _EMAIL, page.email) + _field(page, _NEW))


@dataclass(frozen=True, slots=True)
class _Input:
    """An input; `name` is also the name of its label's text."""

    name: Literal["name", "email", "password"]
    type: str
    autocomplete: str


_READER: Final = _Input("name", "text", "name")
# "username" on both screens: a password manager stores the new password under it.
_EMAIL: Final = _Input("email", "email", "username")
_PASSWORD: Final = _Input("password", "password", "current-password")
_NEW: Final = _Input("password", "password", "new-password")


def _field(page: SignInPage, field: _Input, value: str = "") -> _Html:
    is_new = field is _NEW
    is_wrong = page.error is not None and page.error.field == field.name
    described = [*(["error"] if is_wrong else []), *(["password-rule"] if is_new else [])]
    state = _html(' aria-describedby="{ids}"', ids=" ".join(described)) if described else _NOTHING
    rule = _html(_NEW_RULE, rule=_text(page.language, "password_rule")) if is_new else _NOTHING
    return _html(
        _FIELD,
        name=field.name,
        label=_text(page.language, field.name),
        type=field.type,
        autocomplete=field.autocomplete,
        # Addresses and passwords are read from left to right in every language.
        direction=page.language.direction if field is _READER else "ltr",
        value=value,
        hint=rule,
        alert=_alert(page, page.error) if page.error and is_wrong else _NOTHING,
        # No maxlength: it would silently cut a pasted password, and the reader could never sign in.
        rule=_html(' minlength="{least}"', least=str(MIN_LENGTH)) if is_new else _NOTHING,
        state=_Html(state + (' aria-invalid="true" autofocus' if is_wrong else "")),
    )


def _alert(page: SignInPage, error: FormError) -> _Html:
    # If no field takes the focus the message does, so that a screen reader speaks it.
    focus = _NOTHING if error.field else _Html(' tabindex="-1" autofocus')
    return _html(_ALERT, message=_text(page.language, error.text), focus=focus)


def _guest(page: SignInPage) -> _Html:
    or_, guest = _text(page.language, "or"), _text(page.language, "guest")
    return _html(_GUEST, query=page.query, or_=or_, guest=guest)


def _switch(page: SignInPage) -> _Html:
    if page.screen == "sign-up":
        question, path, answer = "have_account", "/login", "sign_in"
    elif page.sign_up:
        question, path, answer = "new_here", "/login/sign-up", "create_account"
    else:
        return _NOTHING
    return _html(
        _SWITCH,
        question=_text(page.language, question),
        path=path,
        query=page.query,
        answer=_text(page.language, answer),
    )
