"""The embedded server: one for each folder, from whichever process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from chatgate.faults import Fault
from chatgate.stack import valkey
from chatgate.stack.child_processes import end_with_parent
from tests.chatgate.processes import is_running, until

HOLDER = """
import sys
from pathlib import Path
from chatgate.stack import valkey
server = valkey.start(Path(sys.argv[1]))
print(server.process.pid if server.process else 0, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(folder):
    """Starts processes that join or start the server and say its pid if they did start it."""
    started = []

    def begin():
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder / "valkey")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def client(at):
    return redis.Redis(unix_socket_path=str(at))


def test_one_of_four_processes_at_once_starts_the_server(holder, folder):
    holders = [holder() for _ in range(4)]
    pids = [int(one.stdout.readline()) for one in holders]
    started = [pid for pid in pids if pid]
    assert len(started) == 1
    with client(valkey.socket_for(folder / "valkey")) as server:
        assert server.info("server")["process_id"] == started[0]


def test_a_server_ends_with_the_killed_process_that_started_it(holder):
    process = holder()
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_running(pid)
    process.kill()
    until(lambda: not is_running(pid))


def test_writes_last_and_nothing_is_thrown_away(folder):
    first = valkey.start(folder)
    with client(first.socket) as server:
        assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert server.config_get("append*")["appendfsync"] == "everysec"
        server.set("kept", "yes")
    assert first.process is not None
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = valkey.start(folder)
    with client(second.socket) as server:
        assert server.get("kept") == b"yes"
    valkey.stop(folder, second)
    assert second.process is not None
    assert not is_running(second.process.pid)


def test_a_command_borrows_a_running_server_and_leaves_it(folder):
    server = valkey.start(folder)
    assert server.process is not None
    with valkey.lent(folder) as url, redis.Redis.from_url(url) as borrowed:
        assert borrowed.info("server")["process_id"] == server.process.pid
    assert valkey.answers(server.socket)
    valkey.stop(folder, server)


def test_a_command_without_a_running_server_has_one_for_its_time(folder):
    with valkey.lent(folder) as url, redis.Redis.from_url(url) as borrowed:
        pid = borrowed.info("server")["process_id"]
    assert not is_running(pid)


def test_a_long_path_has_its_socket_in_a_private_folder(folder):
    deep = folder / ("long" * 30)
    at = valkey.socket_for(deep)
    assert at.parent != deep
    assert len(os.fsencode(at)) <= valkey.MAX_SOCKET_PATH
    try:
        with valkey.lent(deep) as url, redis.Redis.from_url(url) as server:
            assert server.ping()
        assert at.parent.stat().st_mode & 0o777 == 0o700
    finally:
        at.parent.rmdir()


def test_a_socket_folder_that_others_can_enter_is_refused(folder):
    deep = folder / ("long" * 30)
    at = valkey.socket_for(deep)
    at.parent.mkdir(mode=0o755)
    try:
        with pytest.raises(Fault, match="a folder of yours alone"):
            valkey.start(deep)
    finally:
        at.parent.rmdir()


def test_a_server_that_cannot_start_says_why(folder):
    (folder / "appendonlydir").write_text("no folder")
    with pytest.raises(Fault, match="Valkey did not start"):
        valkey.start(folder)


def test_where_the_kernel_ties_nothing_a_pipe_does(folder):
    """The way of other systems, which works here as well."""
    script = (
        "import subprocess, sys\n"
        "from chatgate.stack.child_processes import end_with_parent\n"
        "tied = end_with_parent([sys.executable, '-c', 'import time; time.sleep(60)'], by_kernel=False)\n"
        "child = subprocess.Popen(tied.command, pass_fds=tied.pass_fds, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert is_running(pid)
    process.kill()
    process.communicate()
    until(lambda: not is_running(pid))


def test_a_tethered_command_keeps_its_exit_code():
    for by_kernel in (True, False):
        tied = end_with_parent([sys.executable, "-c", "raise SystemExit(7)"], by_kernel=by_kernel)
        process = subprocess.Popen(tied.command, pass_fds=tied.pass_fds, start_new_session=True)
        assert process.wait(10) == 7
