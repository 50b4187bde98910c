"""A stack of stub services, run and ended in every way, with a real Valkey beneath."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from chatgate.stack import valkey
from tests.chatgate.processes import family, is_running, none_runs, until
from tests.ports import free_ports
from tests.processes import python_path

STACK = Path(__file__).with_name("stub_stack.py")


@pytest.fixture
def start(folder):
    started = []

    def begin(*services):
        words = [one if ":" in one else f"{one}:{free_ports(1)[0]}" for one in services]
        command = [sys.executable, str(STACK), str(folder), *words]
        environ = {**os.environ, "PYTHONPATH": python_path(STACK.parents[3])}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def pids_of(process):
    """The stack's message that it is ready, after the lines of its services."""
    for line in process.stdout:
        if line.startswith("{"):
            return json.loads(line)
    raise AssertionError(process.stderr.read())


def manner(name, how):
    [port] = free_ports(1)
    return f"{name}:{port}:{how}"


def test_term_stops_all_in_reverse_order_and_is_no_failure(start):
    process = start("first", "second", "third")
    everybody = family(process.pid)
    pids = pids_of(process)
    everybody += family(process.pid)
    process.terminate()
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert "valkey |" not in out
    assert err == ""
    assert [line.split()[0] for line in out.splitlines() if "leaving" in line] == ["third", "second", "first"]
    assert list(pids) == ["valkey", "first", "second", "third"]
    assert none_runs(everybody)


@pytest.mark.parametrize("name", ["valkey", "first", "second"])
def test_a_service_that_ends_is_named_and_ends_the_stack(start, name):
    process = start("first", "second")
    pids = pids_of(process)
    os.kill(pids[name], signal.SIGKILL)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert f"{name} ended by SIGKILL" in err
    assert none_runs(pids.values())


def test_last_lines_come_with_the_news(start):
    process = start("first")
    os.kill(pids_of(process)["first"], signal.SIGKILL)
    _, err = process.communicate(timeout=10)
    assert "Its last lines:\n    first | listening" in err


def test_nothing_outlives_a_stack_that_is_killed(start):
    process = start("first", "second", manner("third", "deaf"), manner("task", "task"))
    pids_of(process)
    everybody = until(lambda: found if len(found := family(process.pid)) == 6 else [])
    process.kill()
    until(lambda: none_runs(everybody), 5)


def test_a_task_is_started_last_and_stopped_first(start):
    process = start(manner("task", "task"), "service")
    assert list(pids_of(process)) == ["valkey", "service"]
    assert next(process.stdout).startswith("task | listening")
    process.terminate()
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["task", "service"]


def test_a_task_that_is_killed_is_said_and_does_not_end_the_stack(start):
    process = start("service", manner("task", "task"))
    pids = pids_of(process)
    assert next(process.stdout).startswith("task | listening")
    everybody = family(process.pid)
    (task,) = set(everybody) - {process.pid, *pids.values()}
    os.kill(task, signal.SIGKILL)
    assert next(process.stdout) == "task | task ended by SIGKILL. The others go on.\n"
    assert all(is_running(pid) for pid in pids.values())
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_service_that_does_not_get_ready_ends_the_stack(start):
    process = start("first", manner("second", "unready"))
    everybody = until(lambda: found if len(found := family(process.pid)) == 4 else [])
    _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "second was not ready within 2 s. Its last lines:\n   second | listening" in err
    assert none_runs(everybody)


def test_a_service_that_does_not_listen_to_term_is_killed(start):
    process = start("first", manner("second", "deaf"))
    pids = pids_of(process)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert none_runs(pids.values())


def test_a_second_stack_on_the_same_folder_is_refused(start, folder):
    process = start("first")
    pids = pids_of(process)
    second = start("first")
    _, err = second.communicate(timeout=10)
    assert second.returncode == 1
    assert f"already runs on {folder} (process {process.pid})" in err
    assert f"kill {process.pid}" in err
    assert all(is_running(pid) for pid in pids.values())


def test_a_killed_stack_leaves_the_folder_free_and_the_data_in_it(start, folder):
    process = start("first")
    pids = pids_of(process)
    at = valkey.socket_for(folder / "valkey")
    with redis_at(at) as client:
        client.set("kept", "yes")
    process.kill()
    until(lambda: none_runs(pids.values()))
    again = start("first")
    pids_of(again)
    with redis_at(at) as client:
        assert client.get("kept") == b"yes"


def redis_at(socket):
    return redis.Redis(unix_socket_path=str(socket))
