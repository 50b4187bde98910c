"""A book as plain pages with the widget, so that a developer can ask about it without a Node tool chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from chatgate.environment import CALLBACK_PATH
from chatgate.stack.pages import book_html
from rag_backend.book import pages as book
from rag_backend.book.docusaurus import site
from rag_backend.book.pages import Page

STYLE: Final = Path(__file__).with_name("book_site.css")
CALLBACK: Final = Path(__file__).parents[3] / "examples" / "callback" / "chatgate-callback.html"
"""The callback page that a site of one's own serves too; it is read from the checkout, as the sample book
is."""
ASSETS: Final = Path(__file__).with_name("assets")
SCRIPT: Final = "chatgate-widget.js"
"""The widget in one file; generators/widget_asset.py builds it and the licences of its parts."""
LICENCES: Final = "chatgate-widget.licences.txt"
NO_ICON: Final = '<link rel="icon" href="data:,">'
"""A browser asks a page's server for /favicon.ico where the page has no such element."""


@dataclass(frozen=True, slots=True)
class Widget:
    """The widget's attributes on the pages. An address may be `/`, the pages' own origin."""

    proxy: str
    broker: str
    client_id: str
    auth: str

    def tag(self, base_url: str) -> str:
        attributes = {
            "backend-url": self.proxy,
            "broker-url": self.broker,
            "client-id": self.client_id,
            "auth": self.auth,
            "base-url": base_url,
            "callback-url": CALLBACK_PATH,
        }
        written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        return f"<chatgate-widget {written}></chatgate-widget>"

    def headers(self) -> dict[str, str]:
        """The headers of every page. The policy needs no exception but for NO_ICON, because the widget's
        script makes its styles."""
        reached = dict.fromkeys("'self'" if url == "/" else url for url in (self.broker, self.proxy))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            f" connect-src {' '.join(reached)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return {"Content-Security-Policy": policy, **HEADERS}


HEADERS: Final[Mapping[str, str]] = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
# The file has a policy of its own in a meta element, as a site on GitHub Pages has no other way to set one.
CALLBACK_HEADERS: Final = {"Content-Security-Policy": "frame-ancestors 'none'", **HEADERS}


def create_page_app(folder: Path, widget: Widget, base_url: str | None = None) -> Starlette:
    """Serve the book in `folder` under the paths that its index gives to citations.

    `base_url` as for the index; None means the site's own. Raises rag_backend's BookError. The book is
    read once: a change shows after a restart.
    """
    found = site.find(folder, base_url)
    style_path = f"{found.base_url}page.css"
    headers = widget.headers()
    pages = documents(book.read(found), found.base_url, widget)
    home = pages[0][0].url
    # The keys are decoded paths, because a browser may encode a letter that the index does not.
    bodies = {unquote(page.url).rstrip("/"): html for page, html in pages}

    async def page(request: Request) -> Response:
        path = str(request.scope["path"])
        body = bodies.get(path.rstrip("/"))
        if body is not None and path.startswith(found.base_url.rstrip("/")):
            return HTMLResponse(body, headers=headers)
        if path in ("/", found.base_url):
            return RedirectResponse(home if path == found.base_url else found.base_url, headers=headers)
        raise HTTPException(404)

    async def style(_: Request) -> Response:
        return FileResponse(STYLE, headers=headers)

    async def asset(request: Request) -> Response:
        return FileResponse(ASSETS / request.url.path.lstrip("/"), headers=headers)

    async def callback(_: Request) -> Response:
        return FileResponse(CALLBACK, headers=CALLBACK_HEADERS)

    async def missing(_: Request, __: Exception) -> Response:
        return HTMLResponse(no_such_page(home, style_path), 404, headers=headers)

    routes = [
        Route(style_path, style),
        Route(CALLBACK_PATH, callback),
        *(Route(f"/{name}", asset) for name in (SCRIPT, LICENCES)),
        Route("/{path:path}", page),
    ]
    return Starlette(routes=routes, exception_handlers={404: missing})


def documents(pages: Sequence[Page], base_url: str, widget: Widget) -> list[tuple[Page, str]]:
    """Each page with its HTML."""
    asks = f'<script type="module" src="/{SCRIPT}"></script>{widget.tag(base_url)}'
    written: list[tuple[Page, str]] = []
    for version in dict.fromkeys(page.version for page in pages):
        own = [page for page in pages if page.version == version]
        urls = {page.source: page.url for page in own}
        written += [(page, _page_html(page, own, urls, f"{base_url}page.css", asks)) for page in own]
    return written


def no_such_page(home: str, style: str) -> str:
    start = f'<a href="{escape(home)}">Begin at its start.</a>'
    article = f"<h1>No such page</h1><p>This book has no page at this address. {start}</p>"
    return _document("No such page", style, article)


def _page_html(page: Page, pages: Sequence[Page], urls: Mapping[str, str], style: str, asks: str) -> str:
    listed = [other for other in pages if other.listed]
    links = [_link(other.url, other.title, is_current=other == page) for other in listed]
    version = page.version.label
    label = f"<p>Version {escape(version)}</p>" if version else ""
    sidebar = f'<nav class="chapters" aria-label="Chapters">{label}<ol>{"".join(links)}</ol></nav>'
    body = book_html.render(page, urls)
    if "<h1>" not in body:
        body = f"<h1>{escape(page.title)}</h1>\n{body}"
    article = body + _neighbours(page, listed)
    return _document(page.title, style, article, before=sidebar, after=_contents(page) + asks)


def _contents(page: Page) -> str:
    items = [
        f'<li class="level{heading.level}">'
        f'<a href="#{escape(heading.anchor)}">{escape(heading.text)}</a></li>'
        for heading in book_html.headings(page)
    ]
    return (
        f'<nav class="contents" aria-label="On this page"><p>On this page</p><ul>{"".join(items)}</ul></nav>'
    )


def _neighbours(page: Page, listed: Sequence[Page]) -> str:
    if page not in listed:
        return ""
    place = listed.index(page)
    before = listed[place - 1 : place] if place else []
    links = [
        f'<a rel="{rel}" href="{escape(other.url)}">{escape(other.title)}</a>'
        for rel, others in (("prev", before), ("next", listed[place + 1 : place + 2]))
        for other in others
    ]
    return f'<nav class="neighbours" aria-label="Next chapters">{"".join(links)}</nav>'


def _link(url: str, title: str, *, is_current: bool) -> str:
    current = ' aria-current="page"' if is_current else ""
    return f'<li><a href="{escape(url)}"{current}>{escape(title)}</a></li>'


def _document(title: str, style: str, article: str, *, before: str = "", after: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title>{NO_ICON}<link rel="stylesheet" href="{escape(style)}"></head>'
        f'<body>{before}<main><article class="theme-doc-markdown">{article}</article></main>'
        f"{after}</body></html>"
    )
