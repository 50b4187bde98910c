"""Every generated backend, as a process of its own over a real store, answers and keeps conversations."""

import threading

from tests.chatgate.processes import until
from tests.generators import model as models
from tests.generators.backends import EVENTS, code, events_in, with_model

QUOTED = "Calibrate the sensor every two weeks."
CITATION = {"title": "Calibration", "url": "/docs/calibration", "quote": QUOTED}


def test_an_answer_is_one_json_object(client, options, model, session_id):
    answer = client.ask(session_id=session_id)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["response"] == (models.ANSWER if options.llm else QUOTED)
    assert body["citations"] == [CITATION]
    if options.auth != "proxy":
        assert body["session_id"] == session_id
        assert body["message_id"]


def test_an_answer_comes_as_events(client, options, model, session_id):
    (start, ids), *events = client.events(session_id=session_id)
    assert start == "start"
    if options.auth != "proxy":
        assert ids["session_id"] == session_id
    texts = ["Every ", "two weeks."] if options.llm else [QUOTED]
    assert events == [
        *(("delta", {"text": text}) for text in texts),
        ("citation", CITATION),
        ("done", {}),
    ]


@with_model
def test_an_event_is_sent_when_it_is_there(client, model):
    goes_on = threading.Event()
    model.reply = models.streams(models.chunk("One"), goes_on, models.chunk(" two.", "stop"), models.DONE)
    body = b'{"message": "How?"}'
    headers = {"Content-Type": "application/json", **EVENTS, **client.by("POST", "/chat", body)}
    with client.http.stream("POST", "/chat", content=body, headers=headers) as answer:
        text = ""
        for piece in answer.iter_text():
            text += piece
            if '"One"' in text:
                goes_on.set()
    assert goes_on.is_set()
    assert [data for name, data in events_in(text) if name == "delta"] == [{"text": "One"}, {"text": " two."}]


def test_a_selection_alone_is_asked_about(client, options, model, session_id):
    client.ask("Which colour is the calibrated sensor?", session_id=session_id)
    selected = "The stand is red. The calibrated sensor is blue."
    answer = client.ask("Which colour is the sensor?", mode="selection_only", selected_text=selected)
    assert answer.status_code == 200, answer.text
    assert answer.json()["citations"] == []
    if options.llm:
        assert selected in model.texts
        assert QUOTED not in model.texts
        assert len(model.asked[-1]["messages"]) == 2
    else:
        assert answer.json()["response"] == "The calibrated sensor is blue."
    assert code(client.ask(mode="selection_only")) == (422, "invalid_selected_text")


def test_a_conversation_is_its_owners_to_list_read_and_delete(client, options, model, session_id):
    assert code(client.send("GET", f"/sessions/{session_id}")) == (404, "not_found")
    first, second = client.ask(session_id=session_id), client.ask("And the station?", session_id=session_id)
    assert (first.status_code, second.status_code) == (200, 200)
    entry = client.send("GET", "/sessions").json()["sessions"][0]
    assert (entry["session_id"], entry["title"]) == (session_id, "How often do I calibrate the sensor?")
    found = client.send("GET", f"/sessions/{session_id}").json()
    assert found["session_id"] == session_id
    asked, answered, again, _ = found["messages"]
    assert (asked["role"], asked["content"], asked["mode"]) == ("user", entry["title"], "normal")
    assert (answered["role"], answered["content"]) == ("assistant", first.json()["response"])
    assert answered["citations"] == first.json()["citations"]
    assert asked["at"] <= again["at"] == entry["updated_at"]
    if options.auth != "proxy":
        assert answered["message_id"] == first.json()["message_id"]
    assert client.send("DELETE", f"/sessions/{session_id}").status_code == 204
    assert code(client.send("DELETE", f"/sessions/{session_id}")) == (404, "not_found")
    assert code(client.send("GET", f"/sessions/{session_id}")) == (404, "not_found")
    assert session_id not in client.send("GET", "/sessions").text


@with_model
def test_the_model_is_told_what_was_said(client, model, session_id):
    client.ask("What is the first thing?", session_id=session_id)
    client.ask("And then?", session_id=session_id)
    assert [message["role"] for message in model.asked[-1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert (model.asked[-1]["path"], model.asked[-1]["key"]) == ("/v1/chat/completions", "Bearer key-canary")
    assert "What is the first thing?" in model.texts
    assert models.ANSWER in model.texts


@with_model
def test_a_model_without_an_answer_is_503(client, model):
    model.reply = models.refuses(429, Retry_After="17")
    answer = client.ask()
    assert code(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "17"
    for reply in (
        models.refuses(500),
        models.streams(),
        models.streams(models.DONE),
        models.streams(models.chunk("cut")),
        models.streams(b"data: {\n\n"),
        models.says("a" * 32_769),
    ):
        model.reply = reply
        assert code(client.ask()) == (503, "temporarily_unavailable")
        assert client.events()[-1][0] == "error"
        assert client.events()[-1][1]["code"] == "temporarily_unavailable"


@with_model
def test_a_reader_who_leaves_is_no_longer_answered(client, model):

    def drip(handler):
        models.streams(models.chunk("One"))(handler)
        while True:
            handler.wfile.write(models.chunk("a"))

    model.reply = drip
    body = b'{"message": "How?"}'
    headers = {"Content-Type": "application/json", **EVENTS, **client.by("POST", "/chat", body)}
    with client.http.stream("POST", "/chat", content=body, headers=headers) as answer:
        assert any('"One"' in text for text in answer.iter_text())
    until(model.has_left.is_set)


@with_model
def test_a_conversation_that_was_deleted_while_it_was_answered_stays_deleted(client, model, session_id):
    client.ask(session_id=session_id)
    goes_on = threading.Event()
    model.reply = models.streams(goes_on, models.chunk("Late.", "stop"), models.DONE)
    model.asked.clear()
    late = []
    asking = threading.Thread(target=lambda: late.append(client.ask("Late?", session_id=session_id)))
    asking.start()
    until(lambda: model.asked)
    assert client.send("DELETE", f"/sessions/{session_id}").status_code == 204
    goes_on.set()
    asking.join()
    assert late[0].status_code == 200
    assert code(client.send("GET", f"/sessions/{session_id}")) == (404, "not_found")
