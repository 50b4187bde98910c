"""`chatgate up` with an embedding model that takes its time."""

import http.client
import json
import os
import signal
from contextlib import suppress

import psutil
import pytest

from chatgate.commands.index import SAMPLE_QUESTION
from chatgate.stack.index_vectors import NICENESS
from rag_backend.search.embedding import BATCH
from tests.chatgate.processes import family, none_runs, until
from tests.chatgate.stacks import shell
from tests.embeddings import serving
from tests.processes import PATIENCE_S

pytestmark = pytest.mark.system

BY_WORDS = "Answers are found by words until the index has its vectors"


@pytest.fixture
def model():
    with serving() as server:
        yield server


def ask(stack, token):
    """The answer to the sample question."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports["PROXY"], timeout=PATIENCE_S)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
    }
    question = {"message": SAMPLE_QUESTION, "session_id": "first", "mode": "normal"}
    connection.request("POST", "/chat", json.dumps(question), headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    assert "event: citation" in answer
    return answer


def token_of(stack):
    return shell(stack, 'echo "token $TOKEN"').splitlines()[-1].removeprefix("token ")


def worker(stack):
    """The process that makes the vectors, if it runs."""
    for child in psutil.Process(stack.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "chatgate.stack.index_vectors" in child.cmdline():
                return child
    return None


def test_a_stack_answers_by_words_while_the_model_is_silent_and_by_both_afterwards(run, model):
    model.answer(0)
    stack = run("up", **model.variables).wait_until_ready()
    assert BY_WORDS in stack.said
    begun = json.loads(stack.wait_for("making_vectors"))
    assert begun["passages"] > BATCH
    until(lambda: model.asked, PATIENCE_S)
    assert worker(stack).nice() == min(psutil.Process(stack.process.pid).nice() + NICENESS, 19)
    token = token_of(stack)
    ask(stack, token)
    assert SAMPLE_QUESTION not in model.asked
    model.answer()
    assert "seconds_left" in stack.wait_for('"made"')
    stack.wait_for("index_has_vectors")
    ask(stack, token)
    assert SAMPLE_QUESTION in model.asked
    until(lambda: worker(stack) is None, PATIENCE_S)
    assert stack.get("BACKEND", "/readyz").status == 200
    stack.process.send_signal(signal.SIGINT)
    assert stack.end() == (0, "")

    before = len(model.asked)
    again = run("up", **model.variables).wait_until_ready()
    assert BY_WORDS not in again.said
    ask(again, token)
    assert model.asked[before:] == [SAMPLE_QUESTION]


def test_ctrl_c_ends_the_work_and_keeps_what_was_made(run, model, folder):
    model.answer(1)
    stack = run("up", **model.variables).wait_until_ready()
    until(lambda: len(model.asked) > BATCH, PATIENCE_S)
    everybody = family(stack.process.pid)
    assert worker(stack).pid in everybody
    stack.process.send_signal(signal.SIGINT)
    assert stack.end() == (0, "")
    assert none_runs(everybody)
    assert "book.db" in os.listdir(folder / ".chatgate")

    made = model.asked[:BATCH]
    model.answer()
    before = len(model.asked)
    again = run("up", **model.variables).wait_until_ready()
    again.wait_for("index_has_vectors")
    assert not set(made) & set(model.asked[before:])
    data = os.listdir(folder / ".chatgate")
    assert [name for name in data if name.startswith(".book.db")] == []


def test_a_model_that_fails_is_said_and_the_stack_goes_on_by_words(run, model):
    model.status = 500
    stack = run("up", **model.variables).wait_until_ready()
    said = json.loads(stack.wait_for("index_without_vectors"))
    assert said["detail"].startswith("The embedding model failed: it answered 500.")
    until(lambda: worker(stack) is None, PATIENCE_S)
    ask(stack, token_of(stack))
    stack.process.send_signal(signal.SIGTERM)
    assert stack.end() == (0, "")


def test_a_killed_worker_is_said_and_nothing_else_ends(run, model):
    model.answer(0)
    stack = run("up", **model.variables).wait_until_ready()
    until(lambda: model.asked, PATIENCE_S)
    worker(stack).kill()
    assert stack.wait_for("index ended") == "index ended by SIGKILL. The others go on.\n"
    assert stack.get("BACKEND", "/readyz").status == 200
