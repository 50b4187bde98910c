"""Answers that come too late: after a stop, a new conversation, another one, a sign-out."""

import pytest
from playwright.sync_api import Route

from tests.browser.login_form import sign_in
from tests.widget.backend import answer
from tests.widget.core.core_page import CorePage
from tests.widget.stage import PASSWORD


@pytest.fixture
def lab(context, stage):
    tab = CorePage(context, stage, auth="guest", clientId="lab")
    tab.wait_for_session(name="signed_in")
    yield tab
    stage.backend.script = answer("It is so.")


class Held:
    """Requests to `pattern` wait until the test lets them go on."""

    def __init__(self, page, pattern, then=Route.continue_):
        self.waiting = []
        self.then = then
        self.is_open = False
        page.route(pattern, self._hear)

    def _hear(self, route):
        if self.is_open:
            self.then(route)
        else:
            self.waiting.append(route)

    def let_go(self):
        self.is_open = True
        for route in self.waiting:
            self.then(route)


AGAIN = {
    "the same": "gate.chat.retry(1)",
    "another": "gate.chat.reset(), gate.chat.setDraft('b'), gate.chat.ask()",
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_stop_during_a_renewal_does_not_stop_the_next_question(lab, stage, again):
    lab.ask("first")
    lab.page.evaluate("gate.chat.reset()")
    before = len(stage.backend.answerings)
    lab.call("gate.session.refused(await gate.session.token());")
    held = Held(lab.page, "**/oauth2/token")
    with lab.page.expect_request("**/oauth2/token"):
        lab.begin("a")
    lab.page.evaluate("gate.chat.stop()")
    lab.page.evaluate(f"void ({again})")
    held.let_go()
    assert lab.wait_for_answer("done")["text"] == "It is so."
    assert len(stage.backend.answerings) - before == 1


def two_conversations(tab):
    tab.ask("first question")
    first = tab.chat()["sessionId"]
    tab.page.evaluate("gate.chat.reset()")
    tab.ask("second question")
    return first, tab.chat()["sessionId"]


MEANWHILE = {
    "a new conversation": "gate.chat.reset()",
    "another conversation": "await gate.chat.open(args[1])",
    "a sign-out": "await gate.session.signOut()",
}


@pytest.mark.parametrize("case", MEANWHILE)
def test_a_conversation_that_opens_too_late_is_not_shown(context, stage, case):
    tab = CorePage(context, stage, clientId="lab")
    tab.sign_in(stage.reader("lab"))
    first, second = two_conversations(tab)
    held = Held(tab.page, f"**/sessions/{first}")
    with tab.page.expect_request(f"**/sessions/{first}"):
        tab.page.evaluate("(id) => { window.opening = gate.chat.open(id).catch(() => 0); }", first)
    tab.call(MEANWHILE[case] + ";", first, second)
    kept = tab.chat()
    assert not kept["isOpening"]
    held.let_go()
    tab.call("await window.opening;")
    assert tab.chat() == kept


def test_a_rating_that_fails_late_leaves_another_conversation_alone(context, stage):
    tab = CorePage(context, stage, clientId="lab")
    tab.sign_in(stage.reader("lab"))
    first, second = two_conversations(tab)
    tab.call("await gate.chat.rate(1, 'helpful'); await gate.chat.open(args[0]);", first)
    held = Held(tab.page, "**/feedback", then=lambda route: route.abort())
    with tab.page.expect_request("**/feedback"):
        tab.page.evaluate("() => { window.rating = caught(gate.chat.rate(1, 'not_helpful')); }")
    tab.call("await gate.chat.open(args[0]);", second)
    held.let_go()
    assert tab.call("return window.rating;")["code"] == "unreachable"
    assert tab.chat()["turns"][0]["answer"]["rating"] == "helpful"


def test_a_renewal_of_another_session_is_not_this_tabs(context, stage):
    """Another tab's word of a renewal may come after the reader of this tab is another."""
    tab = CorePage(context, stage)
    tab.sign_in(stage.reader())
    own = tab.call("return gate.session.token();")
    stage.serve("empty.html", "<title>x</title>")
    other = context.new_page()
    other.goto(f"{stage.home}empty.html")
    tab.call("gate.session.refused(await gate.session.token());")
    word = {"type": "renewed", "of": "another", "token": "x", "isBound": True, "expiresAt": own["expiresAt"]}
    tab.page.evaluate(
        """() => {
            const channel = new BroadcastChannel("chatgate:docs:/my-book/");
            window.heard = new Promise((done) => { channel.onmessage = done; });
        }"""
    )
    other.evaluate("(word) => new BroadcastChannel('chatgate:docs:/my-book/').postMessage(word)", word)
    tab.call("await window.heard;")
    assert tab.call("return gate.session.token();")["token"] != "x"


def test_a_sign_in_that_is_answered_after_a_sign_out_is_none(context, stage):
    tab = CorePage(context, stage, auth="guest", clientId="lab")
    tab.wait_for_session(name="signed_in")
    tab.ask("as a guest")
    popup = tab.open_popup()
    held = Held(tab.page, "**/oauth2/token")
    with tab.page.expect_request("**/oauth2/token"), popup.expect_event("close"):
        sign_in(popup, stage.reader("lab"), PASSWORD)
    tab.call("await gate.session.signOut();")
    with tab.page.expect_request("**/oauth2/revoke"):
        held.let_go()
    assert tab.session()["name"] == "signed_out"
    tab.page.reload()
    tab.wait_for_session(name="signed_in", **{"as": "guest"})


def test_a_renewal_that_ends_after_a_sign_out_leaves_no_token(context, stage):
    tab = CorePage(context, stage, auth="guest", clientId="lab")
    tab.wait_for_session(name="signed_in")
    tab.ask("as a guest")
    tab.call("gate.session.refused(await gate.session.token());")
    held = Held(tab.page, "**/oauth2/token")
    with tab.page.expect_request("**/oauth2/token"):
        tab.page.evaluate("() => { window.late = caught(gate.session.token()); }")
    tab.page.evaluate("() => { window.out = gate.session.signOut(); }")
    held.let_go()
    assert tab.call("return window.late;")["code"] == "signed_out"
    tab.call("await window.out;")
