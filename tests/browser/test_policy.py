"""The browser obeys the pages' headers. In every other test, a breach of a policy is a failure."""

import re

from playwright.sync_api import expect

from tests.browser.login_form import open_popup, sign_in
from tests.browser.servers import CALLBACK_PATH

STAYS_OPEN = "window.close = () => {}"
"""For a window whose requests are looked at: Chromium forgets the headers of those of a closed one."""


def answers_of(context):
    """The answers of the broker and of every other server from here on."""
    answers = []
    context.on("response", lambda one: answers.append(one))
    return answers


def test_the_login_page_sets_no_cookie_and_keeps_nothing(context, docs, stage):
    context.add_init_script(STAYS_OPEN)
    answers = answers_of(context)
    popup = open_popup(docs)
    sign_in(popup, stage.reader())
    expect(docs.locator("output")).to_have_text("signed in")
    own = [one for one in answers if one.url.startswith(stage.broker)]
    assert {one.url.partition("?")[0].removeprefix(stage.broker) for one in own} == {
        "/oauth2/authorize",
        "/login",
        "/oauth2/token",
    }
    assert [one.url for one in own if "set-cookie" in one.all_headers()] == []
    assert context.cookies() == []


def test_the_site_learns_nothing_of_the_login_page_from_a_referrer(context, docs, stage):
    context.add_init_script(STAYS_OPEN)
    popup = open_popup(docs)
    with context.expect_event("request", lambda one: CALLBACK_PATH in one.url) as cancelled:
        popup.get_by_role("link", name="Cancel").click()
    assert "referer" not in cancelled.value.all_headers()
    expect(docs.locator("output")).to_have_text("access_denied")


def test_a_form_says_where_it_comes_from(context, stage):
    page = context.new_page()
    page.goto(stage.address())
    with context.expect_event("request", lambda one: one.method == "POST") as posted:
        page.get_by_role("button", name="Continue as a guest").click()
    headers = posted.value.all_headers()
    assert (headers["origin"], headers["sec-fetch-site"]) == (stage.broker, "same-origin")
    page.wait_for_url(re.compile(re.escape(stage.docs)))


def test_a_policy_without_the_site_would_stop_the_answer(context, stage):
    """This shows that the other tests would notice the breaches whose absence they assert."""

    def without_the_site(route):
        answer = route.fetch(max_redirects=0)
        policy = answer.headers["content-security-policy"]
        assert f" {stage.docs};" in policy
        route.fulfill(
            response=answer,
            headers={**answer.headers, "content-security-policy": policy.replace(f" {stage.docs};", ";")},
        )

    page = context.new_page()
    page.route(
        re.compile(r"/login\?"),
        lambda route: without_the_site(route) if route.request.method == "GET" else route.continue_(),
    )
    page.goto(stage.address("/login"))
    with context.expect_event("console", lambda one: "form-action" in one.text):
        page.get_by_role("button", name="Continue as a guest").click()
    assert page.url.startswith(f"{stage.broker}/login?")
    assert len(context.complaints) == 1
    context.complaints.clear()


def test_no_page_of_the_broker_can_be_framed(context, stage):
    page = context.new_page()
    paths = [
        stage.address("/login"),
        stage.address("/login/sign-up"),
        stage.address(),
        stage.address(client_id="nobody"),
    ]
    for address in paths:
        with context.expect_event("console", lambda one: "frame-ancestors" in one.text):
            page.goto(f"{stage.docs}/frame?{address.removeprefix(f'{stage.broker}/')}")
        (frame,) = page.main_frame.child_frames
        frame.wait_for_url(re.compile("^chrome-error:"))
    assert len(context.complaints) >= len(paths)
    context.complaints.clear()
