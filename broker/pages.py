"""The pages that the broker shows to a reader, as bytes: no script, no cookie, one style sheet inside.

They are written out by hand: three short pages do not earn a template engine in a process whose memory is
counted, and `_html` is then the one place where a value becomes HTML.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Final, Literal

STYLE: Final = resources.files("broker").joinpath("pages.css").read_text(encoding="utf-8")
STYLE_HASH: Final = f"sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}"


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong and what to do. Shown at its field, or above all of them when it is about none."""

    message: str
    field: Literal["name", "email", "password", ""] = ""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """`site` is a client id and `host` where its pages are. `query` is the authorization request, which
    every form and link carries on; `cancel_url` leads back to the site with `error=access_denied`.

    `email` and `name` are put back into their fields after an error; the password never is.
    """

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
    """`template` with `values` in its braces. What is not HTML already is escaped, quotes included, which
    is safe between tags and in quoted attributes; templates have no others."""
    safe = {name: value if isinstance(value, _Html) else escape(value) for name, value in values.items()}
    return _Html(template.format_map(safe))


_NOTHING: Final = _Html("")

_DOCUMENT: Final = """<!doctype html>
<html lang="en">
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
<p class="site">for <strong>{site}</strong> on <strong>{host}</strong></p>
{alert}<form method="post" action="{path}?{query}">
{fields}<button class="primary">{title}</button>
</form>
{guest}<p class="ways">{switch}<a href="{cancel_url}">Cancel</a></p>"""

_FIELD: Final = """<div class="field">
<label for="{name}">{label}</label>
{hint}{alert}<input id="{name}" name="{name}" type="{type}" autocomplete="{autocomplete}" value="{value}" \
required{rule}{state}>
</div>
"""

_ALERT: Final = """<p class="error" id="error" role="alert"{focus}>{message}</p>
"""

_GUEST: Final = """<p class="or">or</p>
<form method="post" action="/login/guest?{query}">
<button>Continue as a guest</button>
</form>
"""

_SWITCH: Final = """<span>{question} <a href="{path}?{query}">{answer}</a></span>
"""

_PASSWORD_RULE: Final = _Html("""<p class="hint" id="password-rule">8 to 128 characters, and not a \
common password.</p>
""")

_ERROR: Final = """<h1>{title}</h1>
<p>{detail}</p>"""


def sign_in_page(page: SignInPage) -> bytes:
    """The screen for signing in, or the one for making an account."""
    is_new = page.screen == "sign-up"
    title = "Create an account" if is_new else "Sign in"
    content = _html(
        _SIGN_IN,
        title=title,
        site=page.site,
        host=page.host,
        alert=_alert(page.error) if page.error and not page.error.field else _NOTHING,
        path="/login/sign-up" if is_new else "/login",
        query=page.query,
        fields=_sign_up_fields(page) if is_new else _sign_in_fields(page),
        guest=_html(_GUEST, query=page.query) if page.guests else _NOTHING,
        switch=_switch(page),
        cancel_url=page.cancel_url,
    )
    return _document(f"{'Error: ' if page.error else ''}{title} – {page.site}", content)


def error_page(title: str, detail: str) -> bytes:
    """For a request that leads nowhere, so that the reader learns it here."""
    return _document(title, _html(_ERROR, title=title, detail=detail))


def headers(redirect_origin: str | None) -> dict[str, str]:
    """What goes with either page. `redirect_origin` is the site to which the answer of a form may lead,
    None where there is no form. Each is an origin that the configuration has checked.

    There is no Cross-Origin-Opener-Policy: any but none would cut a popup from the page that opened it.
    """
    # Chromium holds the redirect after a form post against form-action too.
    form_action = f"'self' {_source(redirect_origin)}" if redirect_origin else "'none'"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src '{STYLE_HASH}'; form-action {form_action};"
            " frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer, with which a form post says `Origin: null` and cannot be told from a forged one.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _source(origin: str) -> str:
    # CSP's grammar has no IPv6 address, and a source it cannot read is left out: the answer would be stopped.
    return origin.partition("//")[0] if "[" in origin else origin


def _document(title: str, content: _Html) -> bytes:
    return _html(_DOCUMENT, title=title, style=_Html(STYLE), content=content).encode()


def _sign_in_fields(page: SignInPage) -> _Html:
    email = _field(page, "email", "E-mail address", "email", "username", page.email)
    password = _field(page, "password", "Password", "password", "current-password")
    return _Html(email + password)


def _sign_up_fields(page: SignInPage) -> _Html:
    name = _field(page, "name", "Name", "text", "name", page.name)
    # "username" on both screens: it is what a password manager files the new password under.
    email = _field(page, "email", "E-mail address", "email", "username", page.email)
    password = _field(page, "password", "Password", "password", "new-password")
    return _Html(name + email + password)


def _field(page: SignInPage, name: str, label: str, type_: str, autocomplete: str, value: str = "") -> _Html:
    is_new = autocomplete == "new-password"
    is_wrong = page.error is not None and page.error.field == name
    described = [*(["error"] if is_wrong else []), *(["password-rule"] if is_new else [])]
    state = _html(' aria-describedby="{ids}"', ids=" ".join(described)) if described else _NOTHING
    return _html(
        _FIELD,
        name=name,
        label=label,
        type=type_,
        autocomplete=autocomplete,
        value=value,
        hint=_PASSWORD_RULE if is_new else _NOTHING,
        alert=_alert(page.error) if page.error and is_wrong else _NOTHING,
        # No maxlength: it would cut a pasted password without a word, and the reader could never sign in.
        rule=_Html(' minlength="8"') if is_new else _NOTHING,
        state=_Html(state + (' aria-invalid="true" autofocus' if is_wrong else "")),
    )


def _alert(error: FormError) -> _Html:
    # Where no field takes the focus the message does, or whoever cannot see the page would not hear of it.
    focus = _NOTHING if error.field else _Html(' tabindex="-1" autofocus')
    return _html(_ALERT, message=error.message, focus=focus)


def _switch(page: SignInPage) -> _Html:
    if page.screen == "sign-up":
        question, path, answer = "Have an account already?", "/login", "Sign in"
    elif page.sign_up:
        question, path, answer = "New here?", "/login/sign-up", "Create an account"
    else:
        return _NOTHING
    return _html(_SWITCH, question=question, path=path, query=page.query, answer=answer)
