"""A reader's draft is there again, and nothing of another reader's is."""

import pytest
from playwright.sync_api import expect

from tests.browser.login_form import sign_in
from tests.widget.backend import answer, fail, hang_after
from tests.widget.core.core_page import CorePage
from tests.widget.element_page import INPUT, LAUNCHER, ask, open_element, open_panel
from tests.widget.stage import PASSWORD


@pytest.fixture
def lab(context, stage):
    tab = CorePage(context, stage, auth="guest", clientId="lab")
    tab.wait_for_session(name="signed_in")
    yield tab
    stage.backend.script = answer("It is so.")


@pytest.mark.parametrize(("script", "state"), [(fail(500), "failed"), (hang_after("Half of "), "writing")])
def test_a_question_without_its_answer_is_in_the_input_after_a_reload(lab, stage, script, state):
    stage.backend.script = script
    lab.begin("what I typed")
    lab.wait_for_answer(state)
    lab.page.reload()
    lab.wait_for_session(name="signed_in")
    assert lab.chat()["draft"] == "what I typed"


def test_a_draft_is_kept_in_place_of_a_question_that_failed(lab, stage):
    stage.backend.script = fail(500)
    lab.begin("what I typed")
    lab.wait_for_answer("failed")
    lab.page.evaluate("gate.chat.setDraft('what I type now')")
    lab.page.reload()
    lab.wait_for_session(name="signed_in")
    assert lab.chat()["draft"] == "what I type now"


def test_an_answered_question_is_not_in_the_input_after_a_reload(lab):
    lab.ask("what I typed")
    lab.page.reload()
    lab.wait_for_answer("done")
    assert lab.chat()["draft"] == ""


def test_a_refused_popup_beside_an_inline_widget_that_is_not_in_sight(context, stage):
    page = open_element(context, stage, placement="inline")
    tall = "document.querySelector('main').style.minHeight = '400vh'"
    page.add_init_script(f"document.addEventListener('DOMContentLoaded', () => {{ {tall}; }})")
    page.get_by_role("button", name="Sign in", exact=True).wait_for()
    page.evaluate("window.open = () => null")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for()
    with page.expect_request("**/oauth2/token"):
        sign_in(page, stage.reader(), PASSWORD)


def test_a_sign_in_that_did_not_leave_the_page_can_be_begun_again(context, stage):
    page = open_element(context, stage)
    page.evaluate("window.open = () => null")
    page.route("**/oauth2/authorize?**", lambda route: route.abort("aborted"))
    open_panel(page)
    with page.expect_event("requestfailed", lambda one: "/oauth2/authorize" in one.url):
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.unroute("**/oauth2/authorize?**")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for()
    context.complaints.clear()


def test_a_browser_that_closes_the_sheet_itself_gives_the_page_back(context, stage):
    page = open_element(context, stage, auth="guest", clientId="lab")
    page.set_viewport_size({"width": 360, "height": 640})
    open_panel(page)
    # Chromium does so for the second step back of a phone without a touch in between.
    page.evaluate("document.querySelector('chatgate-widget').shadowRoot.querySelector('dialog').close()")
    expect(page.get_by_role("button", name=LAUNCHER)).to_be_visible()
    assert page.evaluate("document.documentElement.style.overflow") == ""
    open_panel(page)


def test_an_earlier_question_that_runs_again_can_be_stopped(context, stage):
    page = open_element(context, stage, auth="guest", clientId="lab")
    open_panel(page)
    stage.backend.script = fail(500)
    ask(page, "one")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    stage.backend.script = answer("It is so.")
    ask(page, "two")
    page.get_by_role("button", name="Helpful", exact=True).wait_for()
    stage.backend.script = hang_after("Half of ")
    again.click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("log")).to_contain_text("Stopped.")
    stage.backend.script = answer("It is so.")


def test_a_proxy_that_never_answers_does_not_close_the_chat(lab, stage):
    lab.ask("one")
    lab.page.clock.install()
    lab.page.route("**/sessions/*", lambda route: None)
    with lab.page.expect_request("**/sessions/*"):
        lab.page.reload()
    lab.page.wait_for_function("JSON.parse(document.getElementById('chat').value).isOpening")
    lab.page.clock.fast_forward(60_000)
    lab.page.wait_for_function("!JSON.parse(document.getElementById('chat').value).isOpening")
    lab.ask("two")


def test_text_that_was_edited_during_a_sign_in_is_not_sent_by_it(context, stage):
    page = open_element(context, stage, clientId="lab")
    open_panel(page)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in", exact=True).click()
    ask(page, "half")
    page.get_by_role("textbox", name=INPUT).fill("half a thou")
    opened.value.get_by_role("heading", level=1).wait_for()
    sign_in(opened.value, stage.reader("lab"), PASSWORD)
    expect(page.get_by_role("button", name="Account")).to_be_visible()
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("half a thou")


def test_a_suggestion_leaves_the_draft(context, stage):
    page = open_element(context, stage, auth="guest", clientId="lab", suggestions=["How often?"])
    open_panel(page)
    page.get_by_role("textbox", name=INPUT).fill("half a thou")
    page.get_by_role("button", name="How often?").click()
    page.get_by_role("button", name="Helpful", exact=True).wait_for()
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("half a thou")
