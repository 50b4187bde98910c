"""The sample book's pages of `chatgate up`, whose widget is the file that the Python package has."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.chatgate.processes import none_runs, short_folder, until
from tests.chatgate.stacks import NAMES, Stack
from tests.ports import free_ports
from tests.widget.element_page import ask, open_panel, sign_in_by_popup
from tests.widget.stage import PASSWORD, QUESTION

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def up():
    with short_folder() as folder:
        stack = Stack(folder, free_ports(len(NAMES)), "up").wait_until_ready()
        yield stack
        stack.process.terminate()
        stack.end()
        until(lambda: none_runs(stack.pids.values()))


@pytest.fixture
def page(context, up):
    page = context.new_page()
    page.goto(f"http://localhost:{up.ports['PAGE']}/book/time")
    return page


def test_a_reader_asks_and_follows_a_source(page):
    """Under the pages' own policy, a breach of which fails the test."""
    open_panel(page)
    ask(page, QUESTION)
    source = page.get_by_role("region", name="Sources").get_by_role("link").first
    cited = source.get_attribute("href")
    source.click()
    page.wait_for_url(f"**{cited}")
    until(lambda: page.evaluate("CSS.highlights.has('chatgate-quote')"))
    open_panel(page)
    expect(page.get_by_role("log")).to_contain_text(QUESTION)


def test_a_reader_signs_in(page, up):
    email = "grace@example.com"
    account = {"name": "Grace", "email": email, "password": PASSWORD}
    broker = f"http://127.0.0.1:{up.ports['BROKER']}"
    assert httpx.post(f"{broker}/api/auth/sign-up/email", json=account).status_code == 200
    open_panel(page)
    page.get_by_role("button", name="Account").click()
    sign_in_by_popup(page, email)
    expect(page.get_by_text(email)).to_be_visible()
