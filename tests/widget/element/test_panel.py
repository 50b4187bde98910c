"""A reader at the panel: the whole job, by mouse and by keyboard alone, and what is said when it fails."""

import json
import re
import time
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser.login_form import sign_in
from tests.widget.backend import Answering, answer, fail, hang_after
from tests.widget.element_page import (
    INPUT,
    LAUNCHER,
    ask,
    log,
    open_element,
    open_panel,
    policy_of,
    sign_in_by_popup,
)
from tests.widget.stage import ENDED_WITHIN_S, PASSWORD, QUESTION


@pytest.fixture
def lab(context, stage):
    """The panel, open, of a site whose backend says what the test tells it to."""
    page = open_element(context, stage, policy=policy_of(stage), auth="guest", clientId="lab")
    open_panel(page)
    yield page
    stage.backend.script = answer("It is so.")


def test_a_reader_signs_in_asks_and_signs_out(context, stage):
    page = open_element(context, stage, policy=policy_of(stage))
    open_panel(page)
    email = stage.reader()
    sign_in_by_popup(page, email)
    ask(page, QUESTION)
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_visible()
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_text(email)).to_be_visible()
    expect(page.get_by_text("This browser")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out. Sign in again to go on.")).to_be_visible()
    expect(log(page)).not_to_contain_text(QUESTION)


def test_typed_text_outlives_the_sign_in(context, stage):
    page = open_element(context, stage)
    open_panel(page)
    ask(page, "typed before I was known")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    sign_in_by_popup(page, stage.reader())
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("typed before I was known")


def test_a_refused_popup_leads_back_to_the_open_panel_and_the_draft(context, stage):
    page = open_element(context, stage)
    page.evaluate("window.open = () => null")
    open_panel(page)
    page.get_by_role("textbox", name=INPUT).fill("half a thou")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, stage.reader(), PASSWORD)
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("half a thou")
    expect(page.get_by_role("button", name="Account")).to_be_visible()


def tabbed_to(page, name, *, by="Tab"):
    """Press the key until the element that begins with this name has the focus."""
    for _ in range(40):
        page.keyboard.press(by)
        focused = page.evaluate(
            """() => {
                let at = document.activeElement;
                while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                return at?.getAttribute("aria-label") ?? at?.textContent ?? "";
            }"""
        )
        if focused.strip().startswith(name):
            return
    raise AssertionError(f"{name} is not reached by {by}")


def signed_in_by_keyboard(page, email):
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    popup = opened.value
    popup.get_by_role("heading", level=1).wait_for()
    popup.keyboard.press("Tab")
    popup.keyboard.type(email)
    popup.keyboard.press("Tab")
    popup.keyboard.type(PASSWORD)
    with popup.expect_event("close"):
        popup.keyboard.press("Enter")
    page.bring_to_front()
    expect(page.get_by_role("button", name="Account")).to_be_visible()


def test_the_keyboard_is_enough_for_the_whole_job(context, stage):
    stage.backend.script = answer(
        "Every **ten minutes**.", citations=[("Rate", f"{stage.home}element.html#rate", "costs battery")]
    )
    page = open_element(context, stage, clientId="lab")
    press = page.keyboard.press
    tab_to = partial(tabbed_to, page)
    tab_to(LAUNCHER)
    press("Enter")
    expect(page.get_by_role("textbox", name=INPUT)).to_be_focused()
    page.keyboard.type("How often?")
    press("Enter")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    signed_in_by_keyboard(page, stage.reader("lab"))
    tab_to(INPUT, by="Shift+Tab")
    press("Enter")
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_be_visible()
    tab_to("Helpful", by="Shift+Tab")
    press("Space")
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    tab_to("Rate", by="Shift+Tab")
    press("Enter")
    expect(page).to_have_url(re.compile("#rate$"))
    tab_to("Recent conversations", by="Shift+Tab")
    press("Enter")
    expect(page.get_by_role("button", name="Back to the conversation")).to_be_focused()
    tab_to("How often?")
    press("Enter")
    expect(page.get_by_role("textbox", name=INPUT)).to_be_focused()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name=LAUNCHER)).to_be_focused()


def test_an_answer_is_stopped_and_asked_for_again(lab, stage):
    stage.backend.script = hang_after("Half of ")
    ask(lab, "Tell me all.")
    expect(log(lab)).to_contain_text("Half of")
    lab.get_by_role("button", name="Stop").click()
    expect(log(lab)).to_contain_text("Stopped.")
    assert stage.backend.answerings[-1].left.wait(10)
    stage.backend.script = answer("All of it.")
    lab.get_by_role("button", name="Try again").click()
    expect(log(lab)).to_contain_text("All of it.")
    expect(log(lab)).not_to_contain_text("Stopped.")


def test_a_finished_answer_is_announced_once(lab, stage):
    stage.backend.script = answer("The station", " wakes up", " every ten minutes.")
    ask(lab, "How often?")
    status = lab.locator("chatgate-widget").get_by_role("status")
    expect(status.filter(has_text="Answer finished. The station wakes up every ten minutes.")).to_have_count(
        1
    )


def test_a_rating_is_kept_and_taken_back(lab, stage):
    ask(lab, "Is it so?")
    helpful = lab.get_by_role("button", name="Helpful", exact=True)
    helpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "true")
    lab.reload()
    open_panel(lab)
    expect(helpful).to_have_attribute("aria-pressed", "true")
    helpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "false")
    lab.get_by_role("button", name="Not helpful").click()
    listed = stage.command("feedback", "--site", "lab", "--json")
    assert json.loads(listed)[0]["rating"] == "not_helpful"


def test_the_reader_is_told_of_an_end_elsewhere_at_once(context, stage):
    email = stage.reader("lab")
    page = open_element(context, stage, clientId="lab")
    open_panel(page)
    sign_in_by_popup(page, email)
    stage.backend.script = hang_after("Half of ")
    ask(page, "Tell me all.")
    expect(log(page)).to_contain_text("Half of")
    page.evaluate(
        """() => {
            const root = document.querySelector("chatgate-widget").shadowRoot;
            new MutationObserver(() => {
                if (root.textContent.includes("Your session was ended")) window.toldAt ??= Date.now();
            }).observe(root, { childList: true, characterData: true, subtree: true });
        }"""
    )
    other = stage.elsewhere(email, "lab")
    assert other.post("/api/auth/revoke-sessions").status_code == 200
    revoked_at = time.time()
    page.wait_for_function("window.toldAt !== undefined")
    assert page.evaluate("window.toldAt") / 1000 - revoked_at < ENDED_WITHIN_S
    expect(page.get_by_role("button", name="Sign in", exact=True).first).to_be_visible()
    stage.backend.script = answer("It is so.")


def test_a_sign_out_in_another_tab_is_shown_in_this_one(context, stage):
    first = open_element(context, stage)
    open_panel(first)
    sign_in_by_popup(first, stage.reader())
    second = open_element(context, stage)
    open_panel(second)
    second.get_by_role("button", name="Account").wait_for()
    first.get_by_role("button", name="Account").click()
    first.get_by_role("button", name="Sign out").click()
    expect(second.get_by_text("You are signed out. Sign in again to go on.")).to_be_visible()
    ask(second, "May I still ask?")
    expect(second.get_by_role("textbox", name=INPUT)).to_have_value("May I still ask?")


def test_too_many_questions_count_down_to_the_next_try(context, stage):
    page = open_element(context, stage, clientId="closed")
    open_panel(page)
    sign_in_by_popup(page, stage.reader("closed"))
    ask(page, "one")
    page.get_by_role("button", name="Helpful", exact=True).wait_for()
    ask(page, "two")
    expect(log(page)).to_contain_text("You have asked a lot in a short time.")
    waiting = page.get_by_role("button", name=re.compile("^Try again in "))
    expect(waiting).to_have_attribute("aria-disabled", "true")
    ready = page.get_by_role("button", name="Try again", exact=True)
    ready.click()
    expect(log(page).get_by_text("It is so.")).to_have_count(2)


def fail_within(one: Answering) -> None:
    one.begin()
    one.write("Half")
    one.say("error", code="x", message="y")


TROUBLES = {
    "backend down": (fail(500), "The answering service failed on this question."),
    "error within": (fail_within, "The answering service failed on this question."),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_a_failure_is_a_sentence_to_the_reader_and_a_line_to_the_owner(lab, stage, case):
    script, sentence = TROUBLES[case]
    stage.backend.script = script
    with lab.expect_console_message(lambda one: one.text.startswith("[chatgate] ")) as told:
        ask(lab, "what I typed")
    assert "bad_backend" in told.value.text
    expect(log(lab)).to_contain_text(sentence)
    expect(log(lab)).to_contain_text("what I typed")


def test_offline_is_said(lab, context):
    ask(lab, "one")
    lab.get_by_role("button", name="Helpful", exact=True).wait_for()
    context.set_offline(True)
    ask(lab, "two")
    expect(log(lab)).to_contain_text("You are offline.")
    context.set_offline(False)
    lab.get_by_role("button", name="Try again").click()
    expect(log(lab).get_by_text("It is so.")).to_have_count(2)


def test_a_question_that_is_too_long_is_not_sent(lab, stage):
    before = len(stage.backend.answerings)
    lab.get_by_role("textbox", name=INPUT).fill("x" * 4001)
    expect(lab.get_by_text("1 character too many")).to_be_visible()
    lab.keyboard.press("Enter")
    lab.get_by_role("textbox", name=INPUT).fill("😀" * 4000)
    expect(lab.get_by_text("0 characters left")).to_be_visible()
    lab.keyboard.press("Enter")
    lab.get_by_role("button", name="Helpful", exact=True).wait_for()
    assert len(stage.backend.answerings) - before == 1


def test_two_floating_widgets_are_one_button_and_a_removed_one_leaves_nothing(lab):
    lab.keyboard.press("Escape")
    button = lab.get_by_role("button", name=LAUNCHER)
    lab.evaluate("document.body.append(document.querySelector('chatgate-widget').cloneNode())")
    expect(button).to_have_count(1)
    lab.evaluate("document.querySelectorAll('chatgate-widget').forEach((one) => one.remove())")
    expect(button).to_have_count(0)
    lab.evaluate("document.body.append(Object.assign(document.createElement('chatgate-widget')))")


def test_a_widget_that_is_moved_by_navigation_goes_on(lab):
    ask(lab, "one")
    lab.get_by_role("button", name="Helpful", exact=True).wait_for()
    for _ in range(3):
        lab.evaluate(
            """() => {
                const one = document.querySelector("chatgate-widget");
                one.remove();
                return new Promise((done) => setTimeout(() => { document.body.append(one); done(); }));
            }"""
        )
    open_panel(lab)
    expect(log(lab)).to_contain_text("one")
    ask(lab, "two")
    expect(log(lab).get_by_text("It is so.")).to_have_count(2)
