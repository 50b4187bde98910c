"""A reader's view when each part is killed (kill -9) and started again. Real processes, real book."""

import json
import signal
import statistics
import subprocess
import sys
import threading
import time

import httpx
import pytest

from edge.redis.commands import DEADLINE
from tests.chatgate.processes import short_folder, until
from tests.system.stack import EVENTS, PAGE, QUESTION, Reader, Stack

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def stack():
    with short_folder() as folder:
        stack = Stack(folder, redis_deadline=DEADLINE)
        try:
            stack.start_all()
            yield stack
        finally:
            stack.stop_all()


@pytest.fixture
def reader(stack):
    reader = Reader(stack.broker, stack.proxy).sign_up()
    assert reader.get_token().status_code == 200
    return reader


def test_the_whole_job(reader):
    events = reader.ask_for_events()
    names = [name for name, _ in events]
    assert names[0] == "start"
    assert names[-1] == "done"
    assert "delta" in names
    citations = [json.loads(data) for name, data in events if name == "citation"]
    assert citations
    assert all(one["title"] and one["url"] and one["quote"] for one in citations)
    whole = reader.ask().json()
    assert whole["response"]
    assert whole["citations"]
    headers = {"Authorization": f"Bearer {reader.token}"}
    kept = reader.http.get(f"{reader.proxy}/sessions/s1", headers=headers).json()
    assert QUESTION["message"] in json.dumps(kept)


def test_selection_only_answers_from_the_selection(reader):
    selected = "The brass key opens the northern hut. It hangs behind the stove."
    answer = reader.ask(mode="selection_only", selected_text=selected, message="Where is the brass key?")
    assert "stove" in answer.json()["response"] or "hut" in answer.json()["response"]
    assert answer.json()["citations"] == []


def test_a_sign_out_stops_the_next_question_always(stack):
    for _ in range(25):
        reader = Reader(stack.broker, stack.proxy).sign_up()
        reader.get_token()
        assert reader.ask().status_code == 200
        assert reader.sign_out().status_code == 200
        refused = reader.ask()
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token", ')
        assert refused.headers["access-control-allow-origin"] == PAGE


def test_without_the_broker_a_token_is_good_until_it_ends(stack, reader):
    assert reader.ask().status_code == 200
    stack.kill("broker")
    try:
        assert reader.ask().status_code == 200
        with pytest.raises(httpx.ConnectError):
            reader.get_token()
    finally:
        stack.start("broker")
    assert reader.get_token().status_code == 200
    assert reader.ask().status_code == 200


def test_without_the_backend_a_question_is_a_502_and_costs_no_session(stack, reader):
    stack.kill("rag_backend")
    try:
        answer = reader.ask()
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["access-control-allow-origin"] == PAGE
    finally:
        stack.start("rag_backend")
    assert reader.ask().status_code == 200


def test_no_reader_is_signed_out_without_the_proxy(stack, reader):
    stack.kill("chat_proxy")
    try:
        with pytest.raises(httpx.ConnectError):
            reader.ask()
        assert reader.get_token().status_code == 200
    finally:
        stack.start("chat_proxy")
    assert reader.ask().status_code == 200


def test_no_reader_is_let_in_without_redis_and_an_empty_one_knows_none(stack, reader):
    assert reader.ask().status_code == 200
    stack.valkey.kill()
    for _ in range(20):
        began = time.perf_counter()
        answer = reader.ask()
        assert answer.status_code == 503
        assert time.perf_counter() - began < 0.35
        assert "retry-after" in answer.headers
        assert reader.get_token().status_code == 503
    stack.valkey.start()
    # This one keeps nothing on disk: what was in it is gone.
    until(lambda: reader.ask().status_code == 401, 5)
    assert reader.get_token().status_code == 401
    again = Reader(stack.broker, stack.proxy).sign_up()
    until(lambda: again.get_token().status_code == 200, 5)
    until(lambda: again.ask().status_code == 200, 15)


def test_a_silent_redis_lets_no_reader_in(stack, reader):
    stack.valkey.process.send_signal(signal.SIGSTOP)
    took = []
    try:
        for _ in range(5):
            began = time.perf_counter()
            assert reader.ask().status_code == 503
            took.append(time.perf_counter() - began)
    finally:
        stack.valkey.process.send_signal(signal.SIGCONT)
    # A machine that stands still delays one of them, or two.
    assert statistics.median(took) < 0.35
    until(lambda: reader.ask().status_code == 200, 5)


def test_a_proxy_that_is_told_to_end_does_not_cut_a_running_answer(stack, reader):
    headers = {**EVENTS, "Authorization": f"Bearer {reader.token}"}
    with reader.http.stream("POST", f"{stack.proxy}/chat", json=QUESTION, headers=headers) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: start"
        ending = threading.Thread(target=stack.processes["chat_proxy"].terminate)
        ending.start()
        assert "event: done" in list(lines)
        ending.join()
    assert stack.processes["chat_proxy"].wait(15) == 0
    stack.start("chat_proxy")


def test_no_secret_and_no_question_is_in_any_log(stack, reader):
    reader.ask(message="a question with a cAnArY in it")
    logs = "".join(stack.log_of(name) for name in stack.ports)
    assert "token_issued" in logs
    hidden = [
        "cAnArY",
        reader.token,
        reader.http.cookies["better-auth.session_token"],
        "a-tall-ship-and-a-star",
        stack.environ["CHATGATE_BROKER_SECRET"],
        stack.environ["CHATGATE_BACKEND_SECRET"],
        "@example.com",
    ]
    assert [one for one in hidden if one in logs] == []


def test_a_service_without_its_secret_does_not_start(stack):
    environ = {name: value for name, value in stack.environ.items() if "SECRET" not in name}
    for name, key in (("broker", "broker.secret"), ("chat_proxy", "backends.book.secret")):
        done = subprocess.run(
            [sys.executable, "-m", name], env=environ, capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 2
        assert f"{key}: is missing. Set CHATGATE_" in done.stderr
        assert len(done.stderr.splitlines()) == 1
