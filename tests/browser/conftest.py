import itertools
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.broker.service import PASSWORD, SECRET
from tests.browser.chromium import PATIENCE_MS, launch_options
from tests.browser.servers import CALLBACK_PATH, CLIENT_ID, Server, cutting, docs_site, server
from tests.browser.watch import watched
from tests.oauth import challenge_of
from tests.processes import broker_process
from tests.trust import TRUST

VERIFIER = "v" * 43

TOML = """
env = "development"
[sign_in]
failures_per_address = 10000
sign_ups_per_address = 10000
[sites.{client_id}]
origins = ["{site}"]
redirect_uris = ["{site}{callback}", "{site}/signed-in"]
backend = "book"
guests = true
[backends.book]
url = "http://127.0.0.1:8002"
secret = "another secret of the tests, as long"
"""

_numbers = itertools.count()


@dataclass
class Stage:
    """A docs site, the broker, and a server between the two. The docs site is at localhost and the others
    are at 127.0.0.1, so that a browser takes them for different sites, as they are in production."""

    docs: str
    broker: str
    between: Server

    def address(self, path="/oauth2/authorize", **changes):
        """The address that a page of the docs site opens in a window; a parameter of None is left out."""
        request = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self.docs}{CALLBACK_PATH}",
            "state": "the state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        query = {name: value for name, value in (request | changes).items() if value is not None}
        return f"{self.broker}{path}?{urlencode(query)}"

    def reader(self):
        """The address of a new account; its password is PASSWORD."""
        email = f"reader{next(_numbers)}@example.com"
        body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD}
        answer = httpx.post(
            f"{self.broker}/api/auth/sign-up/email", json=body, headers={"Origin": self.docs}, verify=TRUST
        )
        assert answer.status_code == 200, answer.text
        return email


@pytest.fixture(scope="package")
def playwright():
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright):
    browser = playwright.chromium.launch(**launch_options())
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def stage():
    with server() as site, server() as between:
        toml = TOML.format(client_id=CLIENT_ID, site=site.other_site, callback=CALLBACK_PATH)
        with broker_process(toml, secret=SECRET) as broker:
            docs_site(site, broker)
            between.answers["/oauth2/authorize"] = cutting(broker)
            yield Stage(site.other_site, broker, between)


@pytest.fixture
def context(browser):
    """A new reader's browser. A complaint of it fails the test: see `watch`."""
    with watched(browser.new_context()) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()


@pytest.fixture
def docs(context, stage):
    """A page of the docs site."""
    page = context.new_page()
    page.goto(stage.docs)
    return page
