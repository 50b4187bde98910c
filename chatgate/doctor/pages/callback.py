"""The page that takes the answer of a sign-in, and whether the broker leads readers to it."""

import secrets
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from chatgate.doctor.addresses import folder_of, neighbours, origin_of
from chatgate.doctor.client import Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages import content_security_policy, html
from chatgate.doctor.pages.options import CALLBACK_PAGE, Options
from chatgate.doctor.pages.page import Page
from chatgate.doctor.readers.proofs import challenge
from chatgate.doctor.services.service import Service, unreachable

AUTHORIZE: Final = "/oauth2/authorize"
MESSAGE: Final = "chatgate:authorization"
"""The type of the message by which the page hands an answer on (docs/sign-in-from-a-site.md)."""
_QUERY: Final = "code=doctor&state=doctor"
_AS_GIVEN: Final = "callbackUrl of the element, or callbackPath of the plugin"


async def look(client: Client, page: Page, widget: Options) -> list[Finding]:
    """The page itself, asked for as the broker leads a reader to it."""
    if origin_of(widget.callback) != page.origin:
        what = f"The callback page {widget.callback} is of another origin than the page, {page.origin}."
        return [found("callback_foreign", what, f"{_AS_GIVEN}: an address below {page.origin}/.")]
    try:
        chain = await client.follow(f"{widget.callback}?{_QUERY}")
    except Unreachable as error:
        return [_missing(widget, f"does not answer: {error}")]
    answer = chain[-1]
    if answer.status != 200:
        return [_missing(widget, f"answers {answer.status}")]
    if MESSAGE not in answer.text:
        what = f"{answer.url} is a page, and not the callback page."
        mend = f"Put examples/callback/{CALLBACK_PAGE} there as it is; the Docusaurus plugin does it itself."
        return [found("callback_foreign", what, mend)]
    if urlsplit(answer.url).query != _QUERY or origin_of(answer.url) != page.origin:
        what = f"{widget.callback}?{_QUERY} leads to {answer.url}."
        mend = f"{_AS_GIVEN}, and redirect_uris: the address without the redirect."
        return [found("callback_loses_answer", what, mend)]
    if content_security_policy.callback_blocked(answer, html.read(answer.text, answer.url)):
        what = f"The policy that {widget.callback} is sent with does not allow its inline script."
        mend = "script-src with the hash that docs/sign-in-from-a-site.md names, for this one file."
        return [found("csp_blocks_callback", what, mend)]
    return []


async def registered(client: Client, broker: Service, page: Page, widget: Options) -> list[Finding]:
    """Does the broker lead readers back there, and does its sign-in page offer what the widget needs?"""
    try:
        answer = await _authorize(client, broker, widget.client_id, widget.callback)
        if "client_id: no site" in answer.text:
            what = f"The broker knows no site {widget.client_id}, which is the widget's clientId."
            mend = f"[sites.{widget.client_id}] in chatgate.toml, or clientId."
            return [found("client_unknown", what, mend)]
        if "redirect_uri: it is not registered" in answer.text:
            return [await _not_registered(client, broker, page, widget)]
        login = answer.location
        if login is None or origin_of(login) != origin_of(broker.url):
            return [_no_sign_in(answer)]
        shown = await client.send("GET", login)
    except Unreachable as error:
        return [unreachable(broker, error)]
    if shown.status != 200 or "/login" not in shown.text:
        return [_no_sign_in(shown)]
    if widget.auth == "guest" and "/login/guest?" not in shown.text:
        what = f"The widget has auth 'guest', and the site {widget.client_id} takes no guests."
        mend = f"guests = true in [sites.{widget.client_id}] of chatgate.toml, or another auth of the widget."
        return [found("guests_refused", what, mend)]
    return []


def parameters(client_id: str, callback: str, state: str, verifier: str) -> dict[str, str]:
    """An authorization request with PKCE (RFC 6749 4.1.1, RFC 7636 4.3)."""
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": callback,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }


async def _authorize(client: Client, broker: Service, client_id: str, callback: str) -> Answer:
    asked = parameters(client_id, callback, "doctor", secrets.token_urlsafe(40))
    return await client.send("GET", f"{broker.url}{AUTHORIZE}?{urlencode(asked)}", {"Accept-Language": "en"})


async def _not_registered(client: Client, broker: Service, page: Page, widget: Options) -> Finding:
    what = f"The broker does not lead readers back to {widget.callback}."
    for other in _likely(page, widget.callback):
        answer = await _authorize(client, broker, widget.client_id, other)
        if answer.location is not None:
            what += f" It has {other}, which is not the same."
            break
    mend = f'redirect_uris = ["{widget.callback}"] in [sites.{widget.client_id}] of chatgate.toml.'
    return found("redirect_uri_not_registered", what, mend)


def _likely(page: Page, callback: str) -> list[str]:
    """Addresses that are often registered in place of the callback page's."""
    origin = origin_of(callback)
    path = callback[len(origin) :]
    places = [f"/{CALLBACK_PAGE}", folder_of(page.url) + CALLBACK_PAGE]
    same = [f"{path}/", path.removesuffix(".html"), path.rstrip("/"), *places]
    others = [f"{other}{path}" for other in neighbours(origin)]
    likely = [*(urljoin(origin, one) for one in same), *others]
    return [one for one in dict.fromkeys(likely) if one != callback]


def _missing(widget: Options, how: str) -> Finding:
    what = f"The callback page {widget.callback} {how}."
    mend = f"Put examples/callback/{CALLBACK_PAGE} there (Docusaurus: the folder static), or {_AS_GIVEN}."
    return found("callback_missing", what, mend)


def _no_sign_in(answer: Answer) -> Finding:
    what = f"{answer.url.partition('?')[0]} answers {answer.status}, and shows no sign-in."
    mend = "Let the reverse proxy pass /oauth2/ and /login on to the broker, redirects included."
    return found("sign_in_failed", what, mend)
