"""Every generated backend refuses what chatgate's proxy refuses, and keeps no more than it."""

import json
from itertools import count

import pytest

from tests.generators.backends import OTHER_PAGE, PAGE, code, each_kind, each_store
from tests.processes import REPOSITORY

VECTORS = json.loads((REPOSITORY / "tests" / "vectors" / "texts.json").read_text())
_NUMBERS = count()


@each_store
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"message": "a" * 4_000}, None, id="4,000 letters"),
        pytest.param({"message": "a" * 4_001}, "invalid_message", id="4,001 letters"),
        pytest.param({"message": " \u200b\n"}, "invalid_message", id="blank"),
        pytest.param({"message": 1}, "invalid_message", id="a number"),
        pytest.param({}, "invalid_message", id="nothing"),
        pytest.param({"message": "a", "selected_text": "a"}, None, id="1 selected"),
        pytest.param({"message": "a", "selected_text": "a" * 12_000}, None, id="12,000 selected"),
        pytest.param({"message": "a", "selected_text": "\U0001f600" * 12_000}, None, id="12,000 emoji"),
        pytest.param(
            {"message": "a", "selected_text": "a" * 12_001}, "invalid_selected_text", id="12,001 selected"
        ),
        pytest.param({"message": "a", "selected_text": ""}, "invalid_selected_text", id="none selected"),
        pytest.param({"message": "a", "session_id": "a" * 64}, None, id="a long id"),
        pytest.param({"message": "a", "session_id": "a" * 65}, "invalid_session_id", id="too long an id"),
        pytest.param({"message": "a", "session_id": "a\n"}, "invalid_session_id", id="an id of two lines"),
        pytest.param({"message": "a", "session_id": "a/b"}, "invalid_session_id", id="a path as id"),
        pytest.param({"message": "a", "mode": "both"}, "invalid_mode", id="no mode"),
        pytest.param({"message": "a", "other": "a"}, "unknown_member", id="unknown"),
    ],
)
def test_a_question_has_the_proxys_limits(client, members, expected):
    answer = client.send("POST", "/chat", members)
    if expected is None:
        assert answer.status_code == 200, answer.text
    else:
        assert code(answer) == (422, expected)
        assert answer.headers["content-type"] == "application/problem+json"


@each_store
@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, b'{"message": "a"} x'], ids=["torn", "bytes", "deep", "more"]
)
def test_a_body_is_json(client, body):
    assert code(client.send("POST", "/chat", body)) == (400, "invalid_json")


@each_store
def test_a_body_has_256_kib(client):
    body = b'{"message": "a"}'
    assert client.send("POST", "/chat", body.ljust(262_144)).status_code == 200
    assert client.send("POST", "/chat", body.ljust(262_145)).status_code == 413


@each_store
def test_pages_of_other_sites_are_not_answered(client, options):
    if options.auth == "proxy":
        assert "access-control-allow-origin" not in client.ask().headers
        return
    for answer in (client.ask(), client.ask(""), client.send("GET", "/nowhere")):
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "Origin" in answer.headers["vary"]
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    preflight["Access-Control-Request-Headers"] = "authorization, content-type, dpop"
    assert client.http.options("/chat", headers=preflight).status_code == 200
    for origin in (OTHER_PAGE, f"{PAGE}:444", "null", PAGE.replace("https", "http")):
        assert client.http.options("/chat", headers={**preflight, "Origin": origin}).status_code == 400
        answer = client.send("GET", "/sessions", Origin=origin)
        assert "access-control-allow-origin" not in answer.headers
        if options.auth == "none":
            assert code(answer) == (403, "origin_not_allowed")


@each_store
def test_an_owner_has_fifty_conversations_and_the_oldest_goes(client):
    for number in range(51):
        assert client.ask(session_id=f"many{number}").status_code == 200
    found = [one["session_id"] for one in client.send("GET", "/sessions").json()["sessions"]]
    assert found == [f"many{number}" for number in range(50, 0, -1)]
    assert code(client.send("GET", "/sessions/many0")) == (404, "not_found")


@each_store
def test_a_conversation_forgets_its_beginning(client, session_id):
    for number in range(8):
        passage = str(number) * 12_000 + "\0"
        client.ask(
            f"Question {number}\0",
            session_id=session_id,
            selected_text="\U0001f600" * 3_000 + passage[:9_000],
        )
    kept = client.send("GET", f"/sessions/{session_id}").json()["messages"]
    assert 2 < len(kept) <= 16
    assert kept[-2]["content"] == "Question 7\0"
    assert len(json.dumps(kept)) <= 262_144


def whole(pieces):
    return "".join(piece * times for piece, times in pieces)


@each_kind
def test_texts_are_counted_as_the_widget_counts_them(client):
    for kind, member in (("messages", "message"), ("selections", "selected_text")):
        for case in VECTORS[kind]:
            session_id = f"v{next(_NUMBERS)}"
            asked = {"message": "x", "session_id": session_id, member: whole(case["text"])}
            answer = client.send("POST", "/chat", asked)
            if case["valid"]:
                assert answer.status_code == 200, case["name"]
                kept = client.send("GET", f"/sessions/{session_id}").json()["messages"][0]
                found = kept["content" if member == "message" else member]
                assert found == whole(case["normalised"]), case["name"]
            else:
                assert code(answer) == (422, f"invalid_{member}"), case["name"]
