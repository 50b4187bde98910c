"""Generated widgets in a site that Docusaurus built, each asked in Chromium: all modes, all ways to be known.

The services are broker, chat proxy and reference backend, and a generated backend for the widgets without a
sign-in. Pages come with the policy of the snippet, without its exceptions.
"""

import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from scaffold.backend import Options, generate
from tests.browser.chromium import PATIENCE_MS, shell_options
from tests.browser.servers import CALLBACK
from tests.browser.watch import watched
from tests.chatgate.processes import short_folder, until
from tests.generators.backends import environment, served
from tests.generators.widget_site import BASE_URL, PASSAGE, VARIANTS, built, put_into_place
from tests.ports import free_ports
from tests.processes import serving
from tests.system.stack import Stack
from tests.trust import TRUST
from tests.widget.docusaurus.docs_page import TOML
from tests.widget.element_page import INPUT, LAUNCHER, ask, open_panel, sign_in_by_popup
from tests.widget.stage import PASSWORD

pytestmark = pytest.mark.node

BOOK_QUESTION = "How often does the station record a value?"
QUESTIONS = {"none": "How often do I calibrate the sensor?"}
ANSWERS = {"none": "Calibrate the sensor every two weeks."}


@dataclass(frozen=True)
class Site:
    home: str
    stack: Stack

    def reader(self, name):
        """The address of a new account; its password is PASSWORD."""
        body = {"name": "Ada Lovelace", "email": f"{name}@example.com", "password": PASSWORD}
        origin = {"Origin": self.home.removesuffix(BASE_URL)}
        answer = httpx.post(
            f"{self.stack.broker}/api/auth/sign-up/email", json=body, headers=origin, verify=TRUST
        )
        assert answer.status_code == 200, answer.text
        return body["email"]


@pytest.fixture(scope="module")
def site():
    built()
    with short_folder() as folder, ExitStack() as servers:
        port, backend_port = free_ports(2)
        origin = f"http://localhost:{port}"
        stack = Stack(folder, TOML)
        stack.environ["CHATGATE_SITES_DOCS_ORIGINS"] = origin
        stack.environ["CHATGATE_SITES_DOCS_REDIRECT_URIS"] = f"{origin}{BASE_URL}chatgate-callback.html"
        (folder / "backend.py").write_text(generate(Options(origins=(origin,))))
        try:
            stack.start_all()
            backend = servers.enter_context(served(folder, "backend", backend_port, environment()))
            copy = put_into_place(folder / "site", stack.broker, stack.proxy, backend)
            words = [str(copy), str(port), BASE_URL, stack.broker, stack.proxy, backend]
            command = [sys.executable, "-m", "chatgate.stack.pages.static_site", *words]
            servers.enter_context(serving(command, f"http://127.0.0.1:{port}{BASE_URL}"))
            yield Site(f"{origin}{BASE_URL}", stack)
        finally:
            stack.stop_all()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(**shell_options())
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A new reader's tab. A complaint in its console fails the test, except refusals of the services."""
    with watched(browser.new_context()) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        context.close()
        # A book's coloured code has styles in its HTML, which the policy refuses with the widget or without.
        context.complaints = [one for one in context.complaints if "inline style" not in one]
        assert complaints == []


def is_complaint(message):
    # The services ask for a nonce first, by 400 or 401, and a browser reports that.
    is_refusal = message.text.startswith("Failed to load resource: the server responded with a status of 40")
    return message.type in ("error", "warning") and not is_refusal and "inline style" not in message.text


def take_passage(page):
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#passage'))")
    page.get_by_role("button", name=re.compile("^Ask about this")).click()


@pytest.mark.parametrize("name", VARIANTS)
def test_every_mode_and_way_to_be_known_is_asked(page, site, name):
    options = VARIANTS[name]
    page.goto(f"{site.home}of/{name}")
    if options.auth == "better-auth":
        page.get_by_role("button", name="Sign in", exact=True).wait_for()
        sign_in_by_popup(page, site.reader(name))
    page.get_by_role("textbox", name=INPUT).wait_for()
    log = page.get_by_role("log")
    if options.mode != "selection_only":
        ask(page, QUESTIONS.get(options.auth, BOOK_QUESTION))
        expect(log).to_contain_text(ANSWERS.get(options.auth, "6 minutes"))
        expect(page.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_visible()
        rating = page.get_by_role("button", name="Helpful", exact=True)
        expect(rating).to_have_count(0 if options.auth == "none" else 1)
    take_passage(page)
    choice = page.get_by_role("group", name="Answer from")
    expect(choice).to_have_count(1 if options.mode == "both" else 0)
    if options.mode != "normal":
        if options.mode == "both":
            choice.get_by_text("This passage").click()
        ask(page, "What is the cat called?")
        expect(log.get_by_text(PASSAGE).last).to_be_visible()
    # As the file for development and production has it.
    used = page.evaluate("JSON.parse(JSON.stringify(document.querySelector('chatgate-widget').options))")
    assert used["backendUrl"] != "", used
    assert (used["mode"], used["auth"], used["placement"]) == (options.mode, options.auth, "inline")
    assert used["callbackUrl"] == "/book/chatgate-callback.html"
    assert (used["lang"], used["baseUrl"]) == ("en", "/book/")


def test_the_widget_of_all_pages_stays_open_on_a_walk_and_leads_to_its_sources(page, site):
    page.goto(f"{site.home}sensors")
    open_panel(page)
    sign_in_by_popup(page, site.reader("walker"))
    ask(page, BOOK_QUESTION)
    source = page.get_by_role("region", name="Sources").get_by_role("link").first
    page.evaluate("window.marked = document.querySelector('chatgate-widget')")
    cited = urlsplit(source.get_attribute("href")).path
    source.click()
    page.wait_for_url(f"**{cited}*")
    until(lambda: page.evaluate("CSS.highlights.has('chatgate-quote')"))
    is_same = "window.marked !== undefined && window.marked === document.querySelector('chatgate-widget')"
    assert page.evaluate(is_same)
    expect(page.get_by_role("log")).to_contain_text(BOOK_QUESTION)
    # Another layout of Docusaurus' own, which takes the first one's place.
    page.evaluate("document.querySelector('chatgate-widget').options.navigate('/book/no-such-page')")
    page.get_by_text("We could not find what you were looking for").wait_for()
    assert page.evaluate(is_same)
    expect(page.get_by_role("log")).to_contain_text(BOOK_QUESTION)


def test_the_widget_of_all_pages_steps_aside_for_one_in_a_chapter(page, site):
    html = (built() / "ask.html").read_text()
    assert "<chatgate-widget></chatgate-widget>" in html
    page.goto(f"{site.home}ask")
    expect(page.locator("article chatgate-widget")).to_have_count(1)
    expect(page.get_by_text("Select a passage on the page")).to_be_visible()
    expect(page.locator("body > chatgate-widget")).to_have_count(0)
    page.locator("article").get_by_role("link", name="the sensors").click()
    expect(page.get_by_role("button", name=LAUNCHER)).to_be_visible()
    expect(page.locator("chatgate-widget")).to_have_count(1)
    page.go_back()
    expect(page.locator("body > chatgate-widget")).to_have_count(0)
    expect(page.locator("article chatgate-widget")).to_have_count(1)


def test_the_doctor_finds_no_fault_in_it(site):
    command = [sys.executable, "-m", "chatgate", "doctor", "--site", site.home]
    said = subprocess.run(command, capture_output=True, text=True)
    assert f"widget: asks {site.stack.proxy}, signs in at {site.stack.broker} as site docs" in said.stdout
    assert said.returncode == 0, said.stdout


def test_the_callback_page_is_there_to_the_byte():
    assert (built() / "chatgate-callback.html").read_bytes() == CALLBACK.read_bytes()
