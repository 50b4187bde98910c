"""The page: is it there, under its base URL, does it load the widget, and with which options."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from chatgate.doctor.addresses import folder_of, is_loopback, is_named, neighbours, origin_of
from chatgate.doctor.client import MAX_PAGE, MAX_SCRIPT, Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages import html, options
from chatgate.doctor.pages.html import Document
from chatgate.doctor.pages.options import Given, Options

MAX_SCRIPTS: Final = 30
MAX_SCRIPTS_BYTES: Final = 33_554_432
"""Bytes of all scripts of a page together that are searched for options."""
SCRIPT_TYPES: Final = frozenset(
    {"text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript"}
)
_BUILT: Final = re.compile(r"(/(?:.*/)?)(assets/(?:js|css)/.+)")
"""A file of a Docusaurus build: the base URL, and the rest."""


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a reader ends at. `url` and `origin` are its own, after all redirects."""

    url: str
    origin: str
    answer: Answer
    document: Document


@dataclass(slots=True)
class Looked:
    """`page` is None if there is none; `widget` is None if it is missing or its options are wrong."""

    page: Page | None = None
    widget: Options | None = None
    findings: list[Finding] = field(default_factory=list)


async def look(client: Client, site: str) -> Looked:
    looked = Looked()
    page = await _visit(client, site, looked.findings)
    if page is None:
        return looked
    looked.page = page
    scripts = await _scripts(client, page, looked.findings)
    faults = [one.code for one in looked.findings if one.severity == "fault"]
    given = _given(page, scripts)
    if given is None or "base_url_wrong" in faults:
        # If scripts are missing, they are the reason.
        looked.findings += [] if faults else [_no_widget(page)]
        return looked
    widget, wrong = options.checked(given, page.url)
    looked.findings += wrong
    if widget is None:
        return looked
    looked.widget = widget
    looked.findings += _base_url(page, widget)
    if not faults:
        looked.findings += await _element(client, page, widget, scripts)
    return looked


async def _visit(client: Client, site: str, findings: list[Finding]) -> Page | None:
    try:
        chain = await client.follow(site)
    except Unreachable as error:
        code = "certificate_refused" if error.reason == "certificate" else "site_unreachable"
        findings.append(found(code, f"{site} cannot be opened: {error}.", "--site, or the site's host."))
        return None
    answer = chain[-1]
    origin = origin_of(answer.url)
    if answer.status != 200:
        mend = "Publish the site there, or give --site the address that it has, with its base URL."
        findings.append(found("page_missing", f"{answer.url} answers {answer.status}.", mend))
        return None
    if origin != origin_of(site):
        mend = f'origins = ["{origin}"] in the site\'s table of chatgate.toml, and that address in links.'
        what = f"{site} leads to {answer.url}, whose origin is {origin}."
        findings.append(found("site_redirects", what, mend))
    findings += await _other_origins(client, answer, origin)
    return Page(answer.url, origin, answer, html.read(answer.text, answer.url))


async def _other_origins(client: Client, answer: Answer, origin: str) -> list[Finding]:
    url = answer.url
    if is_loopback(url):
        return []
    if origin.startswith("http://"):
        mend = "Let the host serve the site over https, and redirect http (GitHub Pages: Enforce HTTPS)."
        return [found("site_not_https", f"{url} is served over http.", mend)]
    if not is_named(url) or urlsplit(url).port not in (None, 443):
        return []
    return [
        one
        for other in neighbours(origin)
        for one in await _elsewhere(client, answer, f"{other}{answer.url[len(origin) :]}")
    ]


async def _elsewhere(client: Client, answer: Answer, other: str) -> list[Finding]:
    """Is the same page shown under another origin, without leading to this one?"""
    try:
        shown = (await client.follow(other))[-1]
    except Unreachable:
        return []
    if shown.status != 200 or shown.url != other or shown.body != answer.body:
        return []
    mend = f"Let the host lead to {answer.url} (GitHub Pages: Settings > Pages > Enforce HTTPS)."
    return [found("other_origin_served", f"{other} shows the same page and stays there.", mend)]


async def _scripts(client: Client, page: Page, findings: list[Finding]) -> dict[str, Answer]:
    """The page's own scripts by their addresses; those that are missing are reported."""
    urls = [*page.document.addresses("script"), *page.document.addresses("modulepreload")]
    own = [url for url in dict.fromkeys(urls) if _origin(url) == page.origin][:MAX_SCRIPTS]
    answers: dict[str, Answer] = {}
    missing: list[str] = []
    left = MAX_SCRIPTS_BYTES
    for url in own:
        try:
            answer = await client.send("GET", url, most=min(MAX_SCRIPT, left))
        except Unreachable:
            missing.append(url)
            continue
        if answer.status == 200 and answer.media_type in SCRIPT_TYPES:
            answers[url] = answer
            left -= len(answer.body)
        else:
            missing.append(url)
    if missing:
        findings.append(await _missing(client, page, missing))
    return answers


async def _missing(client: Client, page: Page, missing: list[str]) -> Finding:
    path = urlsplit(missing[0]).path
    built = _BUILT.fullmatch(path)
    here = folder_of(page.url)
    if built is not None and built[1] != here:
        is_there = await _is_there(client, urljoin(page.url, here + built[2]))
        # A page deeper in the site is below the base URL that its files name, and only these are missing.
        if is_there or not _is_below(page.url, built[1]):
            mend = f"baseUrl: '{here}' in docusaurus.config.js; then build and publish again."
            what = f"The page is at {here}, and was built for baseUrl {built[1]}: {path} is not there."
            if is_there:
                what += f" {here}{built[2]} is."
            return found("base_url_wrong", what, mend)
    if page.document.element is not None and len(missing) == 1 and "chatgate" in path:
        return _no_script(missing[0])
    mend = "Publish all files of the build (on GitHub Pages with .nojekyll), as JavaScript."
    what = f"{len(missing)} of the page's scripts are not there, or are no JavaScript, the first {path}."
    return found("assets_missing", what, mend)


async def _is_there(client: Client, url: str) -> bool:
    try:
        return (await client.send("GET", url)).status == 200
    except Unreachable:
        return False


def _is_below(url: str, base: str) -> bool:
    return f"{urlsplit(url).path}/".startswith(base)


def _given(page: Page, scripts: dict[str, Answer]) -> Given | None:
    if page.document.element is not None:
        given = options.of_element(page.document.element)
        if given.values:
            return given
    texts = [answer.text for answer in scripts.values()] + page.document.inline_scripts
    for text in texts:
        plugin = options.of_script(text)
        if plugin is not None:
            return plugin
    best = options.best([one for text in texts for one in options.literals(text)], page.url)
    return best and _based(best, scripts)


def _based(given: Given, scripts: Iterable[str]) -> Given:
    """With the base URL of a Docusaurus build: a generated component asks the site for it."""
    built = filter(None, (_BUILT.fullmatch(urlsplit(url).path) for url in scripts))
    file = next(built, None)
    if file is None or "baseUrl" in given.values:
        return given
    return replace(given, values={**given.values, "baseUrl": file[1]})


def _no_widget(page: Page) -> Finding:
    what = f"Neither {page.url} nor a script of it has the widget's options."
    mend = "plugins: [['chatgate-widget/docusaurus', {...}]] in docusaurus.config.js, or the element."
    return found("widget_missing", what, mend)


def _base_url(page: Page, widget: Options) -> list[Finding]:
    path = urlsplit(page.url).path
    if any(_is_below(page.url, base) for base in widget.base_urls):
        return []
    mend = f"baseUrl: '{folder_of(page.url)}', in docusaurus.config.js or of the element."
    what = f"The page is at {path}, and its widget's baseUrl is {' or '.join(widget.base_urls)}."
    return [found("base_url_wrong", what, mend)]


async def _element(client: Client, page: Page, widget: Options, scripts: dict[str, Answer]) -> list[Finding]:
    """The script that the plugin loads later, or the one beside an element in the page."""
    if widget.script is None:
        if page.document.element is not None and not any("chatgate" in one.text for one in scripts.values()):
            return [_no_script(None)]
        return []
    try:
        answer = await client.send("GET", widget.script, most=MAX_PAGE)
    except Unreachable:
        answer = None
    if answer is None or answer.status != 200 or answer.media_type not in SCRIPT_TYPES:
        return [_no_script(widget.script)]
    return []


def _no_script(url: str | None) -> Finding:
    if url is None:
        what = "The page has the element <chatgate-widget>, and none of its own scripts is the widget's."
        mend = '<script type="module" src="/chatgate-widget.js"></script>, with that file beside the pages.'
    else:
        what = f"{url} is not there, or is no JavaScript."
        mend = "Publish all files of the build, with the media type text/javascript for .js."
    return found("widget_script_missing", what, mend)


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:
        return ""
