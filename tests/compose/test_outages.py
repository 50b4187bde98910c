"""Parts of the stack that go away, and come back."""

import os
import signal
import time
from contextlib import suppress

import httpx
import pytest

from tests.compose.stack import Reader, signed_up

pytestmark = pytest.mark.compose


def until(answers, within_s=40):
    deadline = time.monotonic() + within_s
    while not answers():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_no_reader_is_let_in_without_redis_and_afterwards_sessions_are_there(stack):
    reader, token = signed_up(stack, "redis@example.com")
    assert reader.ask(token).status_code == 200
    # Killed, and not only told to end: what it had written is the kernel's by then.
    stack("kill", "redis")
    try:
        for _ in range(3):
            begun = time.monotonic()
            refused = reader.ask(token)
            assert time.monotonic() - begun < 1
            assert (refused.status_code, refused.json()["code"]) == (503, "temporarily_unavailable")
            assert int(refused.headers["retry-after"]) > 0
            assert reader.token().status_code == 503
            assert Reader(stack.url).sign_in("redis@example.com").status_code == 503
            assert Reader(stack.url).sign_up("meanwhile@example.com").status_code == 503
        assert httpx.get(f"{stack.url}/book/").status_code == 200
    finally:
        stack.up()
    until(lambda: reader.ask(token).status_code == 200)
    assert reader.session()["user"]["email"] == "redis@example.com"


def test_without_the_broker_caddy_says_so_and_questions_go_on(stack):
    reader, token = signed_up(stack, "broker@example.com")
    stack("kill", "broker")
    try:
        away = reader.token()
        assert away.status_code == 503
        assert away.headers["content-type"] == "application/problem+json"
        assert away.json()["code"] == "temporarily_unavailable"
        assert away.headers["retry-after"] == "1"
        assert reader.ask(token).status_code == 200
    finally:
        stack.up()
    assert reader.token().status_code == 200


def test_a_process_that_dies_comes_back_by_itself(stack):
    reader, token = signed_up(stack, "crash@example.com")
    pids = {one["State"]["Pid"] for one in stack.containers().values()}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def answers():
        # Caddy is away as well.
        with suppress(httpx.TransportError):
            return reader.ask(token).status_code == 200

    until(answers)
    assert reader.session()["user"]["email"] == "crash@example.com"
    until(
        lambda: [one["State"]["Health"]["Status"] for one in stack.containers().values()] == 5 * ["healthy"]
    )
    assert pids.isdisjoint(one["State"]["Pid"] for one in stack.containers().values())


def test_a_stack_that_was_taken_down_has_its_accounts_sessions_and_keys(stack):
    reader, token = signed_up(stack, "restart@example.com")
    stack("down")
    stack.up()
    assert reader.session()["user"]["email"] == "restart@example.com"
    assert reader.ask(token).status_code == 200
    listed = reader.http.get("/sessions", headers={"Authorization": f"Bearer {token}"}).json()["sessions"]
    assert len(listed) == 1
    assert Reader(stack.url).sign_in("restart@example.com").status_code == 200
