import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.chromium import PATIENCE_MS, launch_options, shell_options
from tests.browser.watch import watched
from tests.widget.stage import staged


@pytest.fixture(scope="package")
def playwright():
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright):
    browser = playwright.chromium.launch(**shell_options())
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def whole_browser(playwright):
    browser = playwright.chromium.launch(**launch_options())
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def stage():
    with staged() as stage:
        yield stage


@pytest.fixture
def context(request):
    """A new reader's browser. For a module that is marked `private` it is a private window of the whole
    browser, which blocks third-party cookies. A complaint of it fails the test."""
    is_private = request.node.get_closest_marker("private") is not None
    browser = request.getfixturevalue("whole_browser" if is_private else "browser")
    with watched(browser.new_context()) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()
