"""Several tabs of one site: one session, one renewal, one sign-out."""

import pytest

from tests.widget.core.core_page import CorePage, token_requests
from tests.widget.stage import BASE, QUESTION

pytestmark = pytest.mark.private

EXPIRE = """const now = Date.now; Date.now = () => now() + 280_000;"""


def two_tabs(context, stage):
    first = CorePage(context, stage)
    first.sign_in(stage.reader())
    second = CorePage(context, stage)
    second.wait_for_session(name="signed_in")
    return first, second


def test_a_sign_in_is_known_in_every_tab(context, stage):
    first = CorePage(context, stage)
    second = CorePage(context, stage)
    second.wait_for_session(name="signed_out")
    first.sign_in(stage.reader())
    second.wait_for_session(name="signed_in")
    second.ask(QUESTION)


def test_a_sign_out_is_known_in_every_tab_and_stops_the_next_question(context, stage):
    first, second = two_tabs(context, stage)
    second.ask(QUESTION)
    first.call("return gate.session.signOut();")
    assert first.session() == {"name": "signed_out", "because": "reader", "trouble": None}
    second.wait_for_session(name="signed_out", because="reader")
    assert second.chat()["turns"] == []
    second.begin("May I still ask?")
    assert second.chat()["draftTrouble"]["code"] == "signed_out"
    assert second.chat()["draft"] == "May I still ask?"


def test_a_draft_in_a_tab_without_the_widget_is_gone_after_a_sign_out_in_another(context, stage):
    first, second = two_tabs(context, stage)
    second.page.evaluate("gate.chat.setDraft('what I typed')")
    at = second.page.url
    second.page.reload()
    second.wait_for_session(name="signed_in")
    assert second.chat()["draft"] == "what I typed"
    stage.serve("nothing.html", "<p>nothing")
    second.page.goto(stage.origin + f"{BASE}nothing.html")
    first.call("return gate.session.signOut();")
    second.page.goto(at)
    second.wait_for_session(name="signed_out")
    assert second.chat()["draft"] == ""


def test_many_callers_and_tabs_make_one_renewal(context, stage):
    first, second = two_tabs(context, stage)
    first.ask(QUESTION)
    second.ask(QUESTION)
    grants = token_requests(context)
    for tab in (first, second):
        tab.call("gate.session.refused(await gate.session.token());")
    # Begun in both before either is waited for.
    for tab in (first, second):
        tab.page.evaluate("void (window.tokens = Promise.all([1, 2, 3].map(() => gate.session.token())))")
    found = [one["token"] for tab in (first, second) for one in tab.page.evaluate("window.tokens")]
    assert len(found) == 6
    assert len(set(found)) == 1
    assert grants == ["refresh_token"]


def test_a_sign_out_beside_a_renewal_leaves_nothing(context, stage):
    first, second = two_tabs(context, stage)
    second.page.evaluate(EXPIRE)
    second.page.evaluate("void gate.history.list().catch(() => 0)")
    first.call("return gate.session.signOut();")
    second.wait_for_session(name="signed_out")
    first.page.reload()
    first.wait_for_session(name="signed_out", because="never")


def test_a_sign_out_that_the_broker_did_not_hear_is_told_again(context, stage):
    tab = CorePage(context, stage)
    email = stage.reader()
    tab.sign_in(email)
    context.set_offline(True)
    assert tab.call("return caught(gate.session.signOut());")["code"] == "offline"
    tab.wait_for_session(name="signed_out", because="reader")
    context.set_offline(False)
    other = stage.elsewhere(email)
    with context.expect_event("response", lambda one: one.url.endswith("/oauth2/revoke")):
        tab.page.reload()
    sessions = other.get("/api/auth/list-sessions").json()
    assert len(sessions) == 1 + 1
