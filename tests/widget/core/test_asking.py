"""Questions and their answers, as the core tells them."""

import time

import pytest

from tests.widget.backend import answer, fail, hang_after
from tests.widget.core.core_page import CorePage
from tests.widget.stage import ENDED_WITHIN_S, QUESTION

STOP_WITHIN_S = 0.5


@pytest.fixture
def lab(context, stage):
    tab = CorePage(context, stage, auth="guest", clientId="lab")
    tab.wait_for_session(name="signed_in")
    yield tab
    stage.backend.script = answer("It is so.")


def test_an_answer_comes_with_its_citations(lab, stage):
    cited = ("Sampling", "/my-book/docs/sampling#rate", "every ten minutes")
    stage.backend.script = answer("Every **ten", " minutes**.", citations=[cited])
    found = lab.ask("  how often?  ")
    assert found["text"] == "Every **ten minutes**."
    assert found["citations"] == [dict(zip(("title", "url", "quote"), cited, strict=True))]
    assert found["messageId"]
    assert stage.backend.answerings[-1].asked["message"] == "how often?"


def test_the_conversation_goes_along_and_a_new_one_begins_empty(lab, stage):
    lab.ask("first")
    lab.ask("second")
    assert [one["content"] for one in stage.backend.answerings[-1].asked["history"]] == ["first", "It is so."]
    lab.page.evaluate("gate.chat.reset()")
    lab.ask("third")
    assert stage.backend.answerings[-1].asked["history"] == []


def test_stop_closes_the_backends_connection_and_keeps_what_came(lab, stage):
    stage.backend.script = hang_after("Half of ")
    lab.begin("tell me all")
    lab.wait_for_answer("writing")
    lab.page.wait_for_function("gate.chat.state.getState().turns.at(-1).answer.text !== ''")
    begun = time.time()
    lab.page.evaluate("gate.chat.stop()")
    assert lab.chat()["turns"][-1]["answer"] | {"messageId": None} == {
        "state": "stopped",
        "text": "Half of ",
        "citations": [],
        "messageId": None,
        "trouble": None,
        "rating": None,
    }
    assert stage.backend.answerings[-1].left.wait(10)
    assert stage.backend.answerings[-1].left_at - begun < STOP_WITHIN_S
    stage.backend.script = answer("All of it.")
    lab.page.evaluate("gate.chat.retry(gate.chat.state.getState().turns.at(-1).id)")
    assert lab.wait_for_answer("done")["text"] == "All of it."
    assert len(lab.chat()["turns"]) == 1


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (fail(500), "backend_failed"),
        (lambda one: one.begin(), "backend_failed"),
        (
            lambda one: (one.begin(), one.write("x"), one.say("error", code="x", message="y")),
            "backend_failed",
        ),
    ],
    ids=["500", "nothing", "error event"],
)
def test_a_backend_that_fails_is_told_and_the_question_stays(lab, stage, script, code):
    stage.backend.script = script
    lab.begin("what I typed")
    failed = lab.wait_for_answer("failed")
    assert failed["trouble"]["code"] == code
    assert failed["trouble"]["advice"]
    assert lab.chat()["turns"][-1]["question"]["message"] == "what I typed"


def test_a_torn_stream_is_no_whole_answer(lab, stage):
    def answered(route):
        start = 'event: start\ndata: {"session_id":"s","message_id":"m"}\n\n'
        body = start + 'event: delta\ndata: {"text":"Half"}\n\n'
        headers = {"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": stage.origin}
        route.fulfill(status=200, body=body, headers=headers)

    lab.ask("a nonce, so that the next request is the only one")
    lab.page.route("**/chat", answered)
    lab.begin("and now?")
    failed = lab.wait_for_answer("failed")
    assert (failed["text"], failed["trouble"]["code"]) == ("Half", "torn")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_too_many_questions_say_when_to_try_again(context, stage, minutes):
    # A reader waits by the computer's clock, though it be wrong.
    context.add_init_script(f"const now = Date.now; Date.now = () => now() + {minutes * 60_000};")
    tab = CorePage(context, stage, clientId="closed")
    tab.sign_in(stage.reader("closed"))
    tab.ask("one")
    tab.begin("two")
    failed = tab.wait_for_answer("failed")
    assert failed["trouble"]["code"] == "rate_limited"
    seconds = (failed["trouble"]["retryAt"] - tab.page.evaluate("Date.now()")) / 1000
    assert 0 < seconds <= 4
    tab.page.wait_for_function("at => Date.now() >= at", arg=failed["trouble"]["retryAt"])
    tab.page.evaluate("gate.chat.retry(gate.chat.state.getState().turns.at(-1).id)")
    tab.wait_for_answer("done")


def test_a_browser_that_is_offline_says_so(lab, context):
    lab.ask("one")
    context.set_offline(True)
    lab.begin("two")
    assert lab.wait_for_answer("failed")["trouble"]["code"] == "offline"
    context.set_offline(False)


def test_an_address_that_the_pages_policy_stops_is_named_to_the_owner(context, stage):
    policy = f"default-src 'self'; connect-src {stage.stack.broker}"
    tab = CorePage(context, stage, policy=policy, auth="guest")
    tab.wait_for_session(name="signed_in")
    tab.begin(QUESTION)
    trouble = tab.wait_for_answer("failed")["trouble"]
    assert trouble["code"] == "blocked"
    assert f"Add {stage.stack.proxy} to connect-src" in trouble["advice"]
    context.complaints.clear()


def test_a_page_of_an_origin_that_is_not_registered_is_told_to_the_owner(context, stage):
    tab = CorePage(context, stage, auth="guest")
    tab.page.goto(tab.address.replace("localhost", "elsewhere.localhost"))
    tab.wait_for_session(name="signed_in")
    tab.begin(QUESTION)
    trouble = tab.wait_for_answer("failed")["trouble"]
    assert trouble["code"] == "unreachable"
    assert "list it in the origins of the site" in trouble["advice"]


def test_a_session_that_is_revoked_ends_its_answer_at_once(context, stage):
    email = stage.reader()
    tab = CorePage(context, stage, clientId="lab")
    tab.sign_in(email)
    stage.backend.script = hang_after("Half of ")
    tab.begin("tell me all")
    tab.wait_for_answer("writing")
    tab.page.evaluate(
        """() => gate.chat.state.subscribe((state) => {
            if (state.turns.at(-1).answer.state === "failed") window.failedAt ??= Date.now();
        })"""
    )
    other = stage.elsewhere(email, "lab")
    answered = other.post("/api/auth/revoke-sessions")
    revoked_at = time.time()
    assert answered.status_code == 200
    failed = tab.wait_for_answer("failed")
    assert (failed["text"], failed["trouble"]["code"]) == ("Half of ", "session_ended")
    assert tab.page.evaluate("window.failedAt") / 1000 - revoked_at < ENDED_WITHIN_S
    tab.wait_for_session(name="signed_out", because="ended")
    stage.backend.script = answer("It is so.")


def test_conversations_are_listed_opened_and_deleted(context, stage):
    tab = CorePage(context, stage, clientId="lab")
    tab.sign_in(stage.reader("lab"))
    tab.ask("first question")
    kept = tab.chat()["turns"]
    tab.page.evaluate("gate.chat.reset()")
    tab.ask("second question")
    listed = tab.call("return gate.history.list();")
    assert [one["title"] for one in listed] == ["second question", "first question"]
    tab.call("return gate.chat.open(args[0]);", listed[1]["sessionId"])
    assert tab.chat()["turns"] == kept
    tab.call("return gate.history.delete(args[0]);", listed[0]["sessionId"])
    tab.call("return gate.history.delete(args[0]);", listed[0]["sessionId"])
    assert len(tab.call("return gate.history.list();")) == 1
    gone = tab.call("return caught(gate.chat.open(args[0]));", listed[0]["sessionId"])
    assert gone["code"] == "not_found"


@pytest.mark.parametrize(
    ("message", "passage", "mode", "code"),
    [
        ("x" * 4000, None, "normal", None),
        ("x" * 4001, None, "normal", "invalid_message"),
        ("x", "y" * 12_000, "normal", None),
        ("x", "y" * 12_001, "normal", "invalid_selection"),
        ("x", "y" * 12_001, "selection_only", "invalid_selection"),
        ("x", None, "selection_only", "invalid_selection"),
    ],
)
def test_a_text_that_is_too_long_is_told_before_anything_is_sent(lab, stage, message, passage, mode, code):
    before = len(stage.backend.answerings)
    given = passage and {"text": passage, "length": len(passage), "path": "/", "headingId": None}
    lab.page.evaluate(
        """([message, passage, mode]) => {
            gate.chat.setMode(mode); gate.chat.setPassage(passage); gate.chat.setDraft(message);
        }""",
        [message, given, mode],
    )
    trouble = lab.chat()["draftTrouble"]
    assert (trouble and trouble["code"]) == code
    lab.page.evaluate("void gate.chat.ask()")
    if code is None:
        lab.wait_for_answer("done")
        assert stage.backend.answerings[-1].asked["selected_text"] == passage
    else:
        assert lab.chat()["draft"] == message
    assert len(stage.backend.answerings) - before == (code is None)
