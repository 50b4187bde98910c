"""A reader signs in from a page of a docs site, whose script is the one of docs/sign-in-from-a-site.md."""

import re
import time
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import PATIENCE_MS, choose_third_party_cookies, launch_options
from tests.browser.login_form import open_popup, sign_in, sign_up
from tests.browser.servers import CALLBACK, CALLBACK_PATH, CLIENT_ID, Answer
from tests.browser.watch import watched
from tests.matches import find

SIGNED_IN = "signed in"


def shown(page):
    return expect(page.locator("output"))


def claims(page):
    """The claims of the access token that the page got."""
    return page.evaluate("""() => {
        const part = window.tokens.access_token.split(".")[1];
        return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
    }""")


def test_a_popup_brings_tokens_that_can_be_refreshed_and_ended(context, docs, stage):
    popup = open_popup(docs)
    assert not popup.evaluate("window.opener === null")
    with popup.expect_event("close"):
        sign_in(popup, stage.reader())
    shown(docs).to_have_text(SIGNED_IN)
    assert claims(docs)["client_id"] == CLIENT_ID
    assert docs.evaluate("tokens.token_type") == "DPoP"
    refreshed = docs.evaluate("chatgate.refresh(tokens.refresh_token)")
    assert refreshed["access_token"] != docs.evaluate("tokens.access_token")
    assert docs.evaluate("token => chatgate.signOut(token).then(one => one.ok)", refreshed["refresh_token"])
    after = "token => chatgate.refresh(token).catch(error => error.message)"
    assert docs.evaluate(after, refreshed["refresh_token"]) == "invalid_grant"
    assert docs.evaluate("localStorage.length + sessionStorage.length") == 0
    assert context.cookies() == []


def test_a_page_gets_a_guest_without_a_sign_in(context, docs, stage):
    guest = docs.evaluate("chatgate.enterAsGuest().then(found => window.tokens = found)")
    assert guest["token_type"] == "DPoP"
    assert claims(docs)["client_id"] == CLIENT_ID
    refreshed = docs.evaluate("chatgate.refresh(tokens.refresh_token)")
    assert refreshed["refresh_token"] != guest["refresh_token"]
    assert context.cookies() == []


@pytest.mark.parametrize(
    "path", ["/oauth2/token", "/oauth2/revoke", "/nothing/of/ours", "/oauth2/introspect"]
)
def test_a_page_can_read_the_time_in_an_error(docs, stage, path):
    answer = docs.evaluate(
        """async (url) => {
            const answer = await fetch(url, { method: "POST", body: new URLSearchParams() });
            return [answer.status, answer.headers.get("Date"), answer.headers.get("X-Request-Id")];
        }""",
        f"{stage.broker}{path}",
    )
    assert answer[0] >= 400
    assert abs(parsedate_to_datetime(answer[1]).timestamp() - time.time()) < 5
    assert answer[2]


def test_a_popup_that_was_cut_from_its_opener_brings_them_all_the_same(context, stage):
    page = context.new_page()
    page.goto(f"{stage.docs}/?by={stage.between.url}")
    popup = open_popup(page)
    assert popup.evaluate("window.opener === null")
    with popup.expect_event("close"):
        sign_in(popup, stage.reader())
    shown(page).to_have_text(SIGNED_IN)


def test_a_browser_without_broadcast_channels_is_told_by_storage(context, docs, stage):
    context.add_init_script(f"location.pathname === '{CALLBACK_PATH}' && delete window.BroadcastChannel")
    sign_in(open_popup(docs), stage.reader())
    shown(docs).to_have_text(SIGNED_IN)
    assert docs.evaluate("localStorage.length") == 0


def test_the_whole_page_may_go_there_and_back(context, docs, stage):
    docs.get_by_role("button", name="Sign in here").click()
    sign_in(docs, stage.reader())
    shown(docs).to_have_text(SIGNED_IN)
    assert docs.url == f"{stage.docs}/signed-in"
    assert context.cookies() == []


def test_a_blocked_popup_becomes_the_whole_page(docs, stage):
    docs.evaluate("window.open = () => null")
    docs.get_by_role("button", name="Sign in", exact=True).click()
    sign_in(docs, stage.reader())
    # No page waits for it any more, and its text says only what it knows.
    expect(docs.get_by_role("heading")).to_have_text("You may close this window")
    assert docs.url == f"{stage.docs}{CALLBACK_PATH}"


def test_a_new_reader_makes_an_account_on_the_way(docs, stage):
    popup = open_popup(docs)
    with popup.expect_event("close"):
        sign_up(popup, "grace@example.com")
    shown(docs).to_have_text(SIGNED_IN)
    sign_in(open_popup(docs), "grace@example.com")
    shown(docs).to_have_text(SIGNED_IN)


def test_a_guest_needs_no_account(docs):
    open_popup(docs).get_by_role("button", name="Continue as a guest").click()
    shown(docs).to_have_text(SIGNED_IN)
    assert claims(docs)["tier"] == "guest"


@pytest.mark.parametrize("screen", ["Sign in", "Create an account"])
def test_cancel_tells_the_page(docs, screen):
    popup = open_popup(docs)
    if screen != "Sign in":
        popup.get_by_role("link", name=screen).click()
    expect(popup.get_by_role("heading")).to_have_text(screen)
    popup.get_by_role("link", name="Cancel").click()
    # The page looks at an answer only when its state is the one that was sent.
    shown(docs).to_have_text("access_denied")


def test_an_answer_is_taken_by_the_page_that_asked_alone(context, docs, stage):
    other = context.new_page()
    other.goto(stage.docs)
    others_popup = open_popup(other)
    popup = open_popup(docs)
    forged = context.new_page()
    forged.goto(f"{stage.docs}{CALLBACK_PATH}?code=forged&state=forged&iss={stage.broker}")
    sign_in(popup, stage.reader())
    shown(docs).to_have_text(SIGNED_IN)
    shown(other).to_have_text("signed out")
    sign_in(others_popup, stage.reader())
    shown(other).to_have_text(SIGNED_IN)


def test_an_answer_in_the_name_of_another_broker_is_refused(context, docs, stage):
    popup = open_popup(docs)
    state = find("state=([^&]+)", popup.url)[1]
    forged = context.new_page()
    forged.goto(f"{stage.docs}{CALLBACK_PATH}?code=forged&state={state}&iss=https://evil.example")
    shown(docs).to_have_text("the answer is not the broker's")


def test_the_callback_page_opened_by_itself_says_what_it_is_for(context, stage):
    page = context.new_page()
    page.goto(f"{stage.docs}{CALLBACK_PATH}")
    expect(page.get_by_role("heading")).to_have_text("There is nothing to do here")
    expect(page.get_by_text("docusaurus serve")).to_be_hidden()


def test_the_callback_page_says_why_a_redirect_left_it_without_the_answer(context, stage):
    """As `docusaurus serve` does: serve-handler's cleanUrls leads on without the query."""
    stage.between.answers["/cut.html"] = lambda _: Answer(status=301, headers={"Location": "/cut"})
    stage.between.answers["/cut"] = lambda _: Answer(CALLBACK.read_text())
    page = context.new_page()
    page.goto(f"{stage.between.url}/cut.html?code=a&state=b")
    expect(page.get_by_role("heading")).to_have_text("There is nothing to do here")
    expect(page.get_by_text("docusaurus serve")).to_be_visible()


@pytest.fixture
def with_profile(playwright, tmp_path):
    """A browser whose reader has chosen to block third-party cookies, or to allow them."""

    @contextmanager
    def opened(*, blocked):
        profile = tmp_path / f"blocked-{blocked}"
        choose_third_party_cookies(profile, blocked=blocked)
        with watched(playwright.chromium.launch_persistent_context(profile, **launch_options())) as context:
            context.set_default_timeout(PATIENCE_MS)
            yield context
            context.close()

    return opened


def cookie_from_another_site(context, stage):
    """The Cookie header of a page's fetch to another site whose cookie was set in a window of its own."""
    headers = {
        "Access-Control-Allow-Origin": stage.docs,
        "Access-Control-Allow-Credentials": "true",
        "Set-Cookie": "third=1; SameSite=None; Secure",
    }
    stage.between.answers["/cookie"] = lambda _: Answer(headers=headers)
    page = context.new_page()
    page.goto(f"{stage.between.url}/cookie")
    page.goto(f"{stage.docs}/frame")
    del stage.between.received[:]
    page.evaluate("url => fetch(url, {credentials: 'include'})", f"{stage.between.url}/cookie")
    return stage.between.received[-1][1]


@pytest.mark.parametrize("blocked", [True, False])
def test_third_party_cookies_may_be_blocked(with_profile, stage, blocked):
    with with_profile(blocked=blocked) as context:
        assert cookie_from_another_site(context, stage) == (None if blocked else "third=1")
        page = context.new_page()
        page.goto(stage.docs)
        sign_in(open_popup(page), stage.reader())
        shown(page).to_have_text(SIGNED_IN)
        refreshed = page.evaluate("chatgate.refresh(tokens.refresh_token)")
        assert refreshed["token_type"] == "DPoP"


def test_a_private_window_blocks_third_party_cookies(context, stage):
    """Tests that use only one of them, as the widget's do, run where these are blocked."""
    assert cookie_from_another_site(context, stage) is None


def test_a_browser_without_javascript_can_sign_in(browser, stage):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(stage.address())
    sign_in(page, stage.reader())
    expect(page.get_by_role("heading")).to_have_text("This window needs JavaScript")
    assert re.search(r"[?&]code=cgc~", page.url)
    context.close()
