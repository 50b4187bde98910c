"""A book as plain pages, to ask questions about without a Node tool chain: no script, one style sheet."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from chatgate import page_html
from chatgate.surroundings import CALLBACK_PATH
from rag_backend import book, site
from rag_backend.book import Page

STYLE: Final = Path(__file__).with_name("page_site.css")
CALLBACK: Final = Path(__file__).parents[1] / "examples" / "callback" / "chatgate-callback.html"
"""The same file that a site of one's own serves, from the checkout as the sample book is."""
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
# The file brings its own policy with it, as a site on GitHub Pages has no other way to set one.
CALLBACK_HEADERS: Final = {**HEADERS, "Content-Security-Policy": "frame-ancestors 'none'"}


def create_page_app(folder: Path, base_url: str | None = None) -> Starlette:
    """Serve the book in `folder` under the paths that its index gives to citations.

    `base_url` as for the index; None takes the site's own. Raises rag_backend's BookError. The book is
    read once: a change shows after a restart.
    """
    found = site.find(folder, base_url)
    style_path = f"{found.base_url}page.css"
    pages = documents(book.read(found), style_path)
    home = pages[0][0].url
    # By decoded paths, as a browser may encode a letter that the index leaves.
    bodies = {unquote(page.url).rstrip("/"): html for page, html in pages}

    async def page(request: Request) -> Response:
        path = str(request.scope["path"])
        body = bodies.get(path.rstrip("/"))
        if body is not None and path.startswith(found.base_url.rstrip("/")):
            return HTMLResponse(body, headers=HEADERS)
        if path in ("/", found.base_url):
            return RedirectResponse(home if path == found.base_url else found.base_url, headers=HEADERS)
        raise HTTPException(404)

    async def style(_: Request) -> Response:
        return FileResponse(STYLE, headers=HEADERS)

    async def callback(_: Request) -> Response:
        return FileResponse(CALLBACK, headers=CALLBACK_HEADERS)

    async def missing(_: Request, __: Exception) -> Response:
        return HTMLResponse(no_such_page(home, style_path), 404, headers=HEADERS)

    routes = [Route(style_path, style), Route(CALLBACK_PATH, callback), Route("/{path:path}", page)]
    return Starlette(routes=routes, exception_handlers={404: missing})


def documents(pages: Sequence[Page], style: str) -> list[tuple[Page, str]]:
    """Each page with its HTML; `style` is the address of the style sheet."""
    written: list[tuple[Page, str]] = []
    for version in dict.fromkeys(page.version for page in pages):
        own = [page for page in pages if page.version == version]
        urls = {page.source: page.url for page in own}
        written += [(page, _page_html(page, own, urls, style)) for page in own]
    return written


def no_such_page(home: str, style: str) -> str:
    start = f'<a href="{escape(home)}">Begin at its start.</a>'
    article = f"<h1>No such page</h1><p>This book has no page at this address. {start}</p>"
    return _document("No such page", style, "", article, "")


def _page_html(page: Page, pages: Sequence[Page], urls: Mapping[str, str], style: str) -> str:
    listed = [other for other in pages if other.listed]
    links = [_link(other.url, other.title, is_current=other == page) for other in listed]
    version = page.version.path
    label = f"<p>Version {escape(version)}</p>" if version else ""
    sidebar = f'<nav class="chapters" aria-label="Chapters">{label}<ol>{"".join(links)}</ol></nav>'
    body = page_html.render(page, urls)
    if "<h1>" not in body:
        body = f"<h1>{escape(page.title)}</h1>\n{body}"
    return _document(page.title, style, sidebar, body + _neighbours(page, listed), _contents(page))


def _contents(page: Page) -> str:
    items = [
        f'<li class="level{heading.level}">'
        f'<a href="#{escape(heading.anchor)}">{escape(heading.text)}</a></li>'
        for heading in page_html.headings(page)
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


def _document(title: str, style: str, sidebar: str, article: str, contents: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{escape(style)}"></head>'
        f'<body>{sidebar}<main><article class="theme-doc-markdown">{article}</article></main>'
        f"{contents}</body></html>"
    )
