"""How a reader is known: popup, redirect, guest, and what the browser keeps of it."""

import json

import pytest

from tests.browser.chromium import PATIENCE_MS, launch_options
from tests.browser.login_form import sign_in
from tests.browser.servers import Answer, cutting
from tests.browser.watch import watched
from tests.matches import find
from tests.widget.core.core_page import CorePage, token_requests
from tests.widget.stage import CALLBACK_PATH, PASSWORD, QUESTION

pytestmark = pytest.mark.private


def test_a_popup_signs_in_and_a_question_is_answered(context, stage):
    tab = CorePage(context, stage)
    assert tab.wait_for_session(name="signed_out")["because"] == "never"
    tab.sign_in(stage.reader())
    assert tab.session()["isKept"]
    answer = tab.ask(QUESTION)
    assert answer["text"]
    assert answer["citations"]
    assert context.cookies() == []


def test_no_token_is_where_a_script_could_read_it_later(context, stage):
    tab = CorePage(context, stage)
    tab.sign_in(stage.reader())
    tab.ask(QUESTION)
    kept = tab.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "ey" + "J" not in kept
    exported = tab.call(
        """const request = indexedDB.open("chatgate:docs:/my-book/");
        const db = await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
        const get = db.transaction("kept").objectStore("kept").get("key");
        const pair = await new Promise((resolve) => { get.onsuccess = () => resolve(get.result); });
        return crypto.subtle.exportKey("jwk", pair.privateKey).catch((error) => error.name);"""
    )
    assert exported == "InvalidAccessError"


def test_a_reload_finds_the_reader_and_the_conversation_again(context, stage):
    tab = CorePage(context, stage)
    tab.sign_in(stage.reader())
    answer = tab.ask(QUESTION)
    tab.page.evaluate("gate.chat.setDraft('half a thou')")
    tab.page.reload()
    tab.wait_for_session(name="signed_in")
    again = tab.wait_for_answer("done")
    assert again == answer
    assert tab.chat()["draft"] == "half a thou"


def test_a_popup_that_was_cut_from_its_opener_signs_in_all_the_same(context, stage):
    stage.between.answers["/oauth2/authorize"] = cutting(stage.stack.broker)
    tab = CorePage(context, stage, query=f"?by={stage.between.url}")
    popup = tab.open_popup()
    assert popup.evaluate("window.opener === null")
    sign_in(popup, stage.reader(), PASSWORD)
    tab.wait_for_session(name="signed_in")
    tab.ask(QUESTION)


def test_a_refused_popup_becomes_the_whole_page_and_leads_back_to_the_draft(context, stage):
    tab = CorePage(context, stage)
    tab.wait_for_session(name="signed_out")
    tab.page.evaluate("window.open = () => null; gate.chat.setDraft('what I wanted to know')")
    tab.page.locator("#sign-in").click()
    tab.page.get_by_role("heading", level=1).wait_for()
    sign_in(tab.page, stage.reader(), PASSWORD)
    tab.page.wait_for_url(tab.address)
    tab.wait_for_session(name="signed_in")
    assert tab.chat()["draft"] == "what I wanted to know"
    assert tab.page.evaluate("Object.keys(sessionStorage)") == ["chatgate:docs:/my-book/:chat"]
    # Back leads to the page before, not to an answer that was used.
    assert "code=" not in tab.page.evaluate("document.referrer")


def test_a_guest_asks_without_a_click_and_may_sign_in(context, stage):
    grants = token_requests(context)
    tab = CorePage(context, stage, auth="guest")
    tab.wait_for_session(name="signed_in", **{"as": "guest"})
    assert grants == []
    tab.ask(QUESTION)
    tab.sign_in(stage.reader())
    assert len(tab.chat()["turns"]) == 1
    tab.ask(QUESTION)
    assert set(grants) == {"urn%3Achatgate%3Aparams%3Aoauth%3Agrant-type%3Aguest", "authorization_code"}


def test_cancel_is_no_failure(context, stage):
    tab = CorePage(context, stage)
    tab.open_popup().get_by_role("link", name="Cancel").click()
    assert tab.wait_for_session(name="signed_out", because="cancelled")
    tab.sign_in(stage.reader())


@pytest.mark.parametrize(
    "query",
    ["?code=forged&state=forged&iss={broker}", "?error=access_denied&state=forged&iss={broker}"],
)
def test_an_answer_with_a_foreign_state_is_ignored(context, stage, query):
    tab = CorePage(context, stage)
    popup = tab.open_popup()
    forged = context.new_page()
    forged.goto(f"{stage.origin}{CALLBACK_PATH}{query.format(broker=stage.stack.broker)}")
    sign_in(popup, stage.reader(), PASSWORD)
    tab.wait_for_session(name="signed_in")


def test_an_answer_in_the_name_of_another_broker_is_refused(context, stage):
    tab = CorePage(context, stage)
    state = find("state=([^&]+)", tab.open_popup().url)[1]
    forged = context.new_page()
    forged.goto(f"{stage.origin}{CALLBACK_PATH}?code=forged&state={state}&iss=https://evil.example")
    assert tab.wait_for_session(name="signed_out", because="failed")["trouble"]["code"] == "sign_in_failed"


def test_an_answer_that_comes_twice_counts_once(context, stage):
    grants = token_requests(context)
    tab = CorePage(context, stage)
    popup = tab.open_popup()
    answers = []
    popup.on("request", lambda one: answers.append(one.url) if CALLBACK_PATH in one.url else None)
    sign_in(popup, stage.reader(), PASSWORD)
    tab.wait_for_session(name="signed_in")
    again = context.new_page()
    again.goto(answers[0])
    tab.ask(QUESTION)
    # One without a nonce and one with it.
    assert grants == ["authorization_code", "authorization_code"]


@pytest.fixture
def without_storage(playwright, tmp_path):
    """A browser whose reader lets no site keep anything."""
    folder = tmp_path / "denied" / "Default"
    folder.mkdir(parents=True)
    denied = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (folder / "Preferences").write_text(json.dumps(denied))
    with watched(playwright.chromium.launch_persistent_context(folder.parent, **launch_options())) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()


def test_where_nothing_may_be_kept_the_sign_in_lasts_as_long_as_the_page(without_storage, stage):
    tab = CorePage(without_storage, stage)
    tab.wait_for_session(name="signed_out")
    tab.sign_in(stage.reader())
    assert not tab.session()["isKept"]
    tab.ask(QUESTION)
    tab.page.reload()
    tab.wait_for_session(name="signed_out", because="never")


@pytest.mark.parametrize("minutes", [-20, 20, 60 * 24 * 400])
def test_a_wrong_clock_is_set_right_by_the_services(context, stage, minutes):
    context.add_init_script(f"const now = Date.now; Date.now = () => now() + {minutes * 60_000};")
    tab = CorePage(context, stage)
    tab.sign_in(stage.reader())
    tab.ask(QUESTION)


def test_a_session_that_ended_elsewhere_is_told_at_the_start(context, stage):
    tab = CorePage(context, stage)
    email = stage.reader()
    tab.sign_in(email)
    assert stage.elsewhere(email).post("/api/auth/revoke-sessions").status_code == 200
    tab.page.evaluate("gate.chat.setDraft('not to be lost')")
    tab.page.reload()
    assert tab.wait_for_session(name="signed_out")["because"] == "ended"
    assert tab.chat()["draft"] == "not to be lost"


@pytest.mark.parametrize("is_other", [True, False], ids=["another", "the same"])
@pytest.mark.parametrize("is_reloaded", [True, False], ids=["after a reload", "in the page"])
def test_only_the_same_reader_finds_what_a_session_left_that_ended(context, stage, is_other, is_reloaded):
    tab = CorePage(context, stage)
    email = stage.reader()
    tab.sign_in(email)
    tab.ask(QUESTION)
    tab.page.evaluate("gate.chat.setDraft('my own affairs')")
    assert stage.elsewhere(email).post("/api/auth/revoke-sessions").status_code == 200
    if is_reloaded:
        tab.page.reload()
    else:
        tab.call("gate.session.refused(await gate.session.token()); await caught(gate.session.token());")
    tab.wait_for_session(name="signed_out", because="ended")
    tab.sign_in(stage.reader() if is_other else email)
    assert tab.chat()["draft"] == ("" if is_other else "my own affairs")
    shown = [turn["question"]["message"] for turn in tab.chat()["turns"]]
    assert shown == ([] if is_other or is_reloaded else [QUESTION])
    tab.ask(QUESTION)


BAD_ENDPOINTS = {
    "html": (Answer("<!doctype html><title>Portal</title>"), "sign_in_failed"),
    "empty": (Answer("", "application/json"), "sign_in_failed"),
    "no refresh token": (
        Answer('{"access_token":"x","token_type":"DPoP","expires_in":300}', "application/json"),
        "unexpected",
    ),
    "500": (Answer("{}", "application/json", 500), "unexpected"),
    "503": (Answer("{}", "application/json", 503), "unavailable"),
    "unknown site": (Answer('{"error":"invalid_client"}', "application/json", 401), "misconfigured"),
}


@pytest.mark.parametrize("case", BAD_ENDPOINTS)
def test_an_answer_that_no_token_endpoint_gives_is_no_sign_in(context, stage, case):
    answer, code = BAD_ENDPOINTS[case]
    cors = {"Access-Control-Allow-Origin": stage.origin, "Access-Control-Expose-Headers": "Date"}
    answer = Answer(answer.body, answer.media_type, answer.status, cors)
    tab = CorePage(context, stage, auth="guest")
    tab.wait_for_session(name="signed_in")
    tab.page.route(
        "**/oauth2/token",
        lambda route: route.fulfill(
            status=answer.status, body=answer.body, headers={**cors, "Content-Type": answer.media_type}
        ),
    )
    tab.begin(QUESTION)
    failed = tab.wait_for_answer("failed")
    assert failed["trouble"]["code"] == code
    assert (failed["trouble"]["retryAt"] > 0) == (code == "unavailable")


def test_places_are_listed_and_ended(context, stage):
    email = stage.reader()
    tab = CorePage(context, stage)
    tab.sign_in(email)
    other = stage.elsewhere(email)
    found = tab.call("return gate.session.places();")
    assert found["user"] == {"name": "Ada Lovelace", "email": email}
    current = [one for one in found["places"] if one["isCurrent"]]
    others = [one for one in found["places"] if not one["isCurrent"]]
    assert len(current) == 1
    assert "Chrome" in current[0]["userAgent"]
    for one in others:
        tab.call("return gate.session.endPlace(args[0]);", one["id"])
    assert other.get("/auth/token").status_code == 401
    tab.ask(QUESTION)
