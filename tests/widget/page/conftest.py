import mimetypes
from contextlib import ExitStack

import pytest

from tests.browser.chromium import PATIENCE_MS
from tests.browser.servers import server
from tests.browser.watch import watched
from tests.widget.build import bundled
from tests.widget.page.book import SITE, Book

PAGES = {"docs/time": "chapter", "docs/networking": "networking", "ar/docs/time": "arabic", "plain": "plain"}


@pytest.fixture(scope="package")
def script():
    return bundled(SITE / "page.ts")


@pytest.fixture(scope="package")
def book(script):
    with server() as served:
        book = Book(served)
        book.serve("page.js", script, "text/javascript")
        for style in SITE.glob("*.css"):
            book.serve(style.name, style.read_text(), mimetypes.types_map[".css"])
        for path, name in PAGES.items():
            book.serve(path, (SITE / f"{name}.html").read_text())
        yield book


@pytest.fixture
def contexts(browser):
    """Makes contexts with the options it is given. A complaint of one fails the test: see `watch`."""
    with ExitStack() as opened:

        def make(**options):
            context = browser.new_context(**({"viewport": {"width": 1100, "height": 800}} | options))
            opened.enter_context(watched(context))
            opened.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            return context

        yield make


@pytest.fixture
def page(contexts):
    return contexts().new_page()


@pytest.fixture(scope="module")
def pages(browser, book):
    """One page of each kind, by its path, for tests that change nothing of it."""
    with watched(browser.new_context(viewport={"width": 1100, "height": 800})) as context:
        context.set_default_timeout(PATIENCE_MS)
        opened = {path: context.new_page() for path in PAGES}
        for path, page in opened.items():
            page.goto(book.url + path)
        yield opened
        context.close()
