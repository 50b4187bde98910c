"""A generated backend behind the real chat proxy: questions of signed-in readers, streamed and whole."""

import pytest

from tests.chatgate.processes import short_folder
from tests.generators import model as models
from tests.generators.backends import environment, served
from tests.system.stack import Reader, Stack

pytestmark = pytest.mark.system

CITATION = {
    "title": "Calibration",
    "url": "/docs/calibration",
    "quote": "Calibrate the sensor every two weeks.",
}
QUESTION = {"message": "How often do I calibrate the sensor?"}


@pytest.fixture(scope="module")
def stack(folder, model_server):
    """Broker and chat proxy, with a generated backend in the reference backend's place."""
    with short_folder() as place:
        stack = Stack(place)
        port = stack.ports.pop("rag_backend")
        environ = environment(
            CHATGATE_BACKEND_SECRET=stack.environ["CHATGATE_BACKEND_SECRET"],
            OPENAI_API_KEY="k",
            OPENAI_MODEL="small",
            OPENAI_BASE_URL=model_server.url,
        )
        try:
            stack.start_all()
            with served(folder, "proxy_memory_openai", port, environ):
                yield stack
        finally:
            stack.stop_all()


@pytest.fixture(scope="module")
def reader(stack):
    reader = Reader(stack.broker, stack.proxy).sign_up()
    assert reader.get_token().status_code == 200
    yield reader
    reader.http.close()


def test_a_streamed_answer_goes_through(reader, model):
    (start, ids), *events = reader.ask_for_events(**QUESTION, session_id="streamed")
    assert start == "start"
    assert '"session_id":"streamed"' in ids
    assert [name for name, _ in events] == ["delta", "delta", "citation", "done"]
    assert CITATION["quote"] in events[2][1]


def test_a_whole_answer_goes_through(reader, model):
    answer = reader.ask(**QUESTION, session_id="whole")
    assert answer.status_code == 200, answer.text
    assert answer.json()["response"] == models.ANSWER
    assert answer.json()["citations"] == [CITATION]


def test_the_proxys_history_reaches_the_model(reader, model):
    reader.ask(message="What is the first thing?", session_id="history")
    reader.ask(message="And then?", session_id="history")
    assert "What is the first thing?" in model.texts
    assert models.ANSWER in model.texts


def test_a_selection_alone_is_asked_about(reader, model):
    selected = "The calibrated sensor is blue."
    answer = reader.ask(
        message="Which colour?", mode="selection_only", selected_text=selected, session_id="one"
    )
    assert answer.status_code == 200, answer.text
    assert selected in model.texts
    assert CITATION["quote"] not in model.texts


def test_a_busy_model_is_a_busy_backend_to_the_reader(reader, model):
    model.reply = models.refuses(429, Retry_After="17")
    for events in (False, True):
        if events:
            answer = reader.http.post(
                f"{reader.proxy}/chat",
                json={**QUESTION, "session_id": "busy"},
                headers={"Authorization": f"Bearer {reader.token}", "Accept": "text/event-stream"},
            )
        else:
            answer = reader.ask(**QUESTION)
        assert (answer.status_code, answer.json()["code"]) == (503, "backend_busy")
        assert answer.headers["retry-after"] == "17"
