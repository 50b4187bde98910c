"""`python -m chatgate.stack.pages.book_files BOOK OUT`: the pages of book_site as files, for a web server.

The server must try a path as it is, with `.html` and with `/index.html`, and answer with `404.html` when no
such file exists.
"""

import shutil
import sys
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from chatgate.environment import CALLBACK_PATH, SITE
from chatgate.stack.pages.book_site import (
    ASSETS,
    CALLBACK,
    LICENCES,
    NO_ICON,
    SCRIPT,
    STYLE,
    Widget,
    documents,
    no_such_page,
)
from rag_backend.book import pages as book
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError

SAME_ORIGIN: Final = Widget(proxy="/", broker="/", client_id=SITE, auth="guest")
"""The widget of pages whose own server also passes requests on to the services. Readers are guests; a site
without guests has them sign in."""


def write(folder: Path, out: Path) -> None:
    """Write the book in `folder` below `out`. Raises rag_backend's BookError."""
    found = site.find(folder)
    style = f"{found.base_url}page.css"
    pages = documents(book.read(found), found.base_url, SAME_ORIGIN)
    home = pages[0][0].url
    for page, html in pages:
        # A web server looks for a file by the decoded path.
        path = unquote(page.url)
        _put(out, f"{path}index.html" if path.endswith("/") else f"{path}.html", html)
    if not (out / "index.html").exists():
        _put(out, "/index.html", _leads_to(home))
    _put(out, "/404.html", no_such_page(home, style))
    shutil.copyfile(STYLE, _place(out, style))
    shutil.copyfile(CALLBACK, _place(out, CALLBACK_PATH))
    for name in (SCRIPT, LICENCES):
        shutil.copyfile(ASSETS / name, _place(out, name))


def _leads_to(home: str) -> str:
    # A static file cannot send a redirect status.
    refresh = f'<meta http-equiv="refresh" content="0; url={escape(home)}">'
    head = f'<meta charset="utf-8"><title>The book</title>{NO_ICON}{refresh}'
    return f'<!doctype html><html lang="en">{head}</html>'


def _put(out: Path, path: str, html: str) -> None:
    _place(out, path).write_text(html, encoding="utf-8")


def _place(out: Path, path: str) -> Path:
    place = out / path.lstrip("/")
    if not place.resolve().is_relative_to(out.resolve()):
        raise BookError(f"{path} leads out of the folder of pages. Correct the page's slug.")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def main() -> int:
    folder, out = sys.argv[1:]
    try:
        write(Path(folder), Path(out))
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
