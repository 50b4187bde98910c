"""The options of the widget on a page: of its element, of the Docusaurus plugin, or in a script."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

from chatgate.doctor.addresses import is_loopback, origin_of
from chatgate.doctor.findings import Finding, found

CALLBACK_PAGE: Final = "chatgate-callback.html"
AUTHS: Final = ("better-auth", "guest", "cookie", "none")
MAX_GLOBAL_DATA: Final = 262_144
"""Characters of the plugin's data that are read."""
NEAR: Final = 1_500
"""Characters around `backendUrl` in a script in which the other options are looked for."""
MAX_SETS: Final = 20

_NAMES: Final = ("backendUrl", "brokerUrl", "clientId", "callbackUrl", "auth", "baseUrl")
_ATTRIBUTES: Final = {
    "backend-url": "backendUrl",
    "broker-url": "brokerUrl",
    "client-id": "clientId",
    "callback-url": "callbackUrl",
    "auth": "auth",
    "base-url": "baseUrl",
}
_CLIENT_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
# The data of plugins is JSON in a text of the script, whose quotes may be escaped.
_GLOBAL_DATA: Final = re.compile(r'(\\?)"chatgate-widget\1":\s{0,9}\{\s{0,9}\1"default\1":\s{0,9}(?=\{)')
_LITERAL: Final = re.compile(
    rf"""(?<![A-Za-z])({"|".join(_NAMES)})\\?["'`]?\s{{0,9}}:\s{{0,9}}\\?(["'`])([^"'`\\<>\s]{{1,500}})\\?\2"""
)


@dataclass(frozen=True, slots=True)
class Options:
    """Checked options. Addresses are absolute and have no slash at their end; `script` is the address of the
    element's script where the page names it. `client_id` and `broker` are empty with `auth` none."""

    proxy: str
    broker: str
    client_id: str
    callback: str
    auth: str
    base_urls: tuple[str, ...]
    script: str | None


Where = Literal["element", "plugin", "script"]


@dataclass(frozen=True, slots=True)
class Given:
    """Options as they stand on the page, unchecked."""

    where: Where
    values: Mapping[str, str]
    base_urls: tuple[str, ...] = ()
    script: str | None = None


def of_element(attributes: Mapping[str, str]) -> Given:
    values = {_ATTRIBUTES[name]: value for name, value in attributes.items() if name in _ATTRIBUTES}
    return Given("element", values)


def of_script(text: str) -> Given | None:
    """The plugin's data in a script of a Docusaurus build."""
    for start in _GLOBAL_DATA.finditer(text):
        site = _object_at(text[start.end() : start.end() + MAX_GLOBAL_DATA])
        options = site.get("options")
        if isinstance(options, dict):
            bases = [site.get("baseUrl"), *(site.get("baseUrls") or ())]
            script = site.get("script")
            return Given(
                "plugin",
                {name: options[name] for name in _NAMES if isinstance(options.get(name), str)},
                tuple(one for one in bases if isinstance(one, str)),
                script if isinstance(script, str) else None,
            )
    return None


def literals(text: str) -> Iterator[Given]:
    """Sets of options that are written in a script, as a component has them: each `backendUrl` with the
    nearest of every other name."""
    matches = list(_LITERAL.finditer(text))
    anchors = [one for one in matches if one[1] == "backendUrl"][:MAX_SETS]
    for anchor in anchors:
        near = [one for one in matches if abs(one.start() - anchor.start()) <= NEAR]
        near.sort(key=lambda one: -abs(one.start() - anchor.start()))
        yield Given("script", {one[1]: one[3] for one in near} | {"backendUrl": anchor[3]})


def best(given: list[Given], page: str) -> Given | None:
    """The set that a browser on `page` would use: a published site has its addresses of development beside
    those that readers reach."""
    if not is_loopback(page):
        public = [one for one in given if not is_loopback(urljoin(page, one.values.get("backendUrl", "")))]
        given = public or given
    return given[0] if given else None


def checked(given: Given, page: str) -> tuple[Options | None, list[Finding]]:
    """The options, or what the widget would refuse about them (widget/src/core/options.ts)."""
    values = given.values
    auth = values.get("auth") or "better-auth"
    faults = [] if auth in AUTHS else [_wrong("auth", f"has to be one of {', '.join(AUTHS)}")]
    names = ("backendUrl",) if auth == "none" else ("backendUrl", "brokerUrl")
    addresses = {}
    for name in names:
        addresses[name], fault = _address(name, values.get(name, ""), page)
        faults += fault
    client_id = "" if auth == "none" else values.get("clientId", "")
    if auth != "none" and not _CLIENT_ID.fullmatch(client_id):
        faults.append(_wrong("clientId", "has to be the name of the site's table in chatgate.toml"))
    if faults:
        return None, faults
    base = values.get("baseUrl") or "/"
    return (
        Options(
            proxy=addresses["backendUrl"],
            broker=addresses.get("brokerUrl", ""),
            client_id=client_id,
            callback=urljoin(page, values.get("callbackUrl") or base + CALLBACK_PAGE),
            auth=auth,
            base_urls=given.base_urls or (base,),
            script=urljoin(page, given.script) if given.script else None,
        ),
        [],
    )


def _address(name: str, value: str, page: str) -> tuple[str, list[Finding]]:
    try:
        url = urljoin(page, value) if value else ""
        origin, parts = origin_of(url), urlsplit(url)
    except ValueError:
        return "", [_wrong(name, "has to be an address such as https://chat.example.org")]
    if parts.query or parts.fragment:
        return "", [_wrong(name, "has a query or a fragment")]
    if is_loopback(url):
        if not is_loopback(page):
            what = f"The page is public, and its widget's {name} is {origin}, the reader's own machine."
            mend = f"Build the site with the public https address as {name}."
            return "", [found("service_on_loopback", what, mend)]
    elif parts.scheme != "https":
        return "", [_wrong(name, f"is {origin}; it must begin with https://")]
    return origin + parts.path.rstrip("/"), []


def _wrong(name: str, fault: str) -> Finding:
    return found(
        "widget_options_wrong",
        f"The widget's option {name} {fault}.",
        f"{name}: the plugin's options in docusaurus.config.js, or the element's attribute.",
    )


def _object_at(text: str) -> dict[str, Any]:
    """The JSON object at the beginning of `text`; as the text of a script it may be escaped once."""
    for candidate in (text, re.sub(r"\\(['\"\\])", r"\1", text)):
        try:
            value, _ = JSONDecoder().raw_decode(candidate)
        except (JSONDecodeError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return {}
