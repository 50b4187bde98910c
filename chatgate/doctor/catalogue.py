"""All findings by their code: how bad each is, and why it matters (docs/doctor.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["fault", "warning"]


@dataclass(frozen=True, slots=True)
class Kind:
    severity: Severity
    why: str


def _fault(why: str) -> Kind:
    return Kind("fault", why)


def _warning(why: str) -> Kind:
    return Kind("warning", why)


_PAGE: Final = {
    "site_unreachable": _fault("Readers cannot open the site either."),
    "page_missing": _fault("Readers find no page at this address, and so no widget."),
    "site_redirects": _warning(
        "Readers' browsers name the origin of the page that they end at, and the services know origins "
        "letter by letter."
    ),
    "site_not_https": _fault(
        "Browsers give a page that came over http no Web Crypto, without which the widget can prove nothing; "
        "and an attacker on the way can change the page."
    ),
    "other_origin_served": _warning(
        "A reader who comes that way stays there, on a page of another origin than the one that the services "
        "know."
    ),
    "assets_missing": _fault("The page loads without its scripts, and the widget is one of them."),
    "base_url_wrong": _fault(
        "The page asks for its scripts below baseUrl, and finds none elsewhere: nothing on it works, the "
        "widget included."
    ),
    "widget_missing": _fault("A page without the widget asks nothing."),
    "widget_script_missing": _fault("The browser cannot load the widget, and shows no button."),
    "widget_options_wrong": _fault(
        "The widget refuses such options, and shows a fault in place of the chat."
    ),
    "service_on_loopback": _fault(
        "Browsers do not let a page from the internet ask addresses of the reader's own machine, and nothing "
        "of yours runs there."
    ),
    "options_differ": _warning("Readers ask at the page's address, and this examination asks at another."),
    "third_party_requests": _warning(
        "Others learn who reads which page, and a script of theirs can do all that the widget can: ask as "
        "the reader who is signed in."
    ),
}

_POLICY: Final = {
    "csp_blocks_connect": _fault("The browser stops the widget's requests before they are sent."),
    "csp_blocks_script": _fault("The browser does not run the widget's script."),
    "csp_blocks_callback": _fault(
        "The page that takes the answer of a sign-in runs nothing, so that the reader never gets in."
    ),
}

_CALLBACK: Final = {
    "callback_missing": _fault("A sign-in ends on a page that is not there, and the reader never gets in."),
    "callback_foreign": _fault("Another page takes the answer of a sign-in, and does not pass it on."),
    "callback_loses_answer": _fault("The answer of a sign-in is in the query, and is lost on the way."),
    "redirect_uri_not_registered": _fault(
        "The broker leads readers back to registered addresses alone, compared letter by letter, and shows "
        "an error page for any other."
    ),
    "client_unknown": _fault("The broker refuses every request of a site that it does not know."),
    "guests_refused": _fault("The widget begins without a sign-in, and the broker lets no guest in."),
}

_SERVICES: Final = {
    "service_unreachable": _fault("Readers' browsers do not reach it either."),
    "service_not_ready": _fault("It answers 503 to readers while something that it needs is away."),
    "service_redirects": _fault("Browsers do not follow a redirect of a preflight, so every request fails."),
    "service_foreign": _fault("Something else answers at the address, and nothing of the service arrives."),
    "metadata_blocked": _fault(
        "Clients, and the chat proxy itself, read the broker's keys and both services' metadata below "
        "/.well-known/."
    ),
    "jwks_unusable": _fault("No token can be verified without public keys, so every question is refused."),
    "issuer_differs": _fault(
        "The widget takes an answer only from the broker that it asked, and DPoP proofs name the address: "
        "every sign-in fails."
    ),
    "resource_differs": _fault(
        "A DPoP proof names the address that was asked; the proxy compares it with the one that it has been "
        "told, and refuses every question with 401."
    ),
    "audience_differs": _fault(
        "The broker writes one address into the tokens as their audience, and the proxy expects another: "
        "every question is refused with 401."
    ),
    "token_needed": _fault("The widget asks without a token, and the proxy refuses every question."),
    "proxy_trusts_another_broker": _fault(
        "The proxy takes only tokens of its broker, and refuses this one's."
    ),
}

_BROWSER: Final = {
    "origin_not_registered": _fault(
        "The services answer pages of registered origins alone, compared letter by letter; the browser hides "
        "every other answer from the widget."
    ),
    "preflight_blocked": _fault(
        "A browser asks by OPTIONS before it sends a token. It sends nothing unless the answer allows it."
    ),
    "cors_stripped": _fault("The browser hides an answer without these headers from the page."),
    "cors_twice": _fault("A browser takes exactly one Access-Control-Allow-Origin, and refuses two."),
    "request_header_refused": _fault("The browser does not send a header that the preflight did not allow."),
    "answer_header_hidden": _fault("The widget cannot read a header that is not exposed, and needs it."),
    "origin_dropped": _fault(
        "The services see no page behind the request, and refuse what only a page of the site may do."
    ),
}

_WAY: Final = {
    "authorization_dropped": _fault("No token arrives, so that every question is refused with 401."),
    "dpop_dropped": _fault("A token that is bound to a key is good only with the proof in this header."),
    "answer_header_dropped": _fault("The widget needs the header to repeat a request as it has to be."),
    "header_limit_low": _fault("A token and its proof may have 4 KiB each, and longer ones are refused."),
    "path_changed": _fault(
        "The service looks for the path that arrives, and a DPoP proof names the one that was asked."
    ),
    "method_blocked": _fault("Readers cannot delete their conversations, as DELETE does not arrive."),
    "body_limit_low": _fault(
        "A question with a long passage is refused on the way, by an answer that the page cannot read."
    ),
}

_TIME: Final = {
    "clock_off": _fault(
        "Tokens live five minutes and proofs one. The widget takes the time from the answers' Date, so that "
        "its proofs are refused, and so are its tokens where it is the service's own clock that is wrong."
    ),
    "clock_here_off": _warning("Certificates, tokens and times are judged by this machine's clock."),
    "certificate_refused": _fault("Browsers show a warning in place of the page, and refuse every request."),
    "certificate_expires": _warning("After that day browsers refuse every request."),
}

_SIGNED_IN: Final = {
    "sign_in_refused": _fault("The rest can only be looked at after a sign-in."),
    "sign_in_failed": _fault("Readers cannot sign in either."),
    "limit_reached": _warning("The rest could not be looked at, and says nothing of other readers."),
    "token_unbound": _fault("The widget refuses a token that any holder could use."),
    "token_audience_wrong": _fault("The proxy takes tokens for its own address alone."),
    "token_issuer_wrong": _fault("The proxy takes tokens of its own broker alone."),
    "token_expired": _fault("A token lives five minutes, by the clock of the service that looks at it."),
    "token_key_unknown": _fault("The proxy verifies tokens by the keys that the broker publishes."),
    "session_unknown": _fault("The proxy asks Redis whether a token's session lives, and finds none."),
    "token_refused": _fault("Every question of every reader is refused like this one."),
    "question_failed": _fault("Readers get an error in place of an answer."),
    "stream_buffered": _fault(
        "Readers look at an empty panel until the whole answer is there, and a long one seems to hang."
    ),
    "stream_cut": _fault("The answer ends in the middle, and the widget says so to the reader."),
}

CATALOGUE: Final[Mapping[str, Kind]] = {
    **_PAGE,
    **_POLICY,
    **_CALLBACK,
    **_SERVICES,
    **_BROWSER,
    **_WAY,
    **_TIME,
    **_SIGNED_IN,
}
