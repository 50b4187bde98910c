"""`chatgate up` with the real services, on ports and in a folder of its own."""

import http.client
import os
import pty
import re
import signal
import socket
import termios
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from tests.chatgate.configurations import PRODUCTION
from tests.chatgate.processes import family, is_running, none_runs, short_folder, until
from tests.chatgate.stacks import NAMES, Stack, shell
from tests.matches import find
from tests.ports import free_ports
from tests.processes import PATIENCE_S

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stack(run):
    return run("up").wait_until_ready()


def test_a_stack_answers_the_printed_commands_and_leaves_nothing(stack, run, folder):
    seconds = float(find(r"chatgate is up, ([\d.]+) s after", stack.said)[1])
    assert 0 < seconds < PATIENCE_S
    assert list(stack.pids) == ["valkey", "broker", "proxy", "backend", "page"]
    answer = shell(stack)
    assert 'event: citation\ndata: {"title":' in answer
    assert "event: done" in answer
    assert re.search(r"^configuration: .*/chatgate/development\.toml$", stack.said, re.MULTILINE)
    assert f"Ask about the book on its pages: http://127.0.0.1:{stack.ports['PAGE']}\n" in stack.said
    page = stack.get("PAGE", "/")
    assert (page.status, page.getheader("location")) == (307, "/book/")

    assert "reader-" in run("users", "list").process.communicate(timeout=PATIENCE_S)[0]
    assert run("check", "--connect").end() == (0, "")

    everybody = family(stack.process.pid)
    stack.process.send_signal(signal.SIGTERM)
    assert stack.end() == (0, "")
    assert none_runs(everybody)
    assert folder.joinpath(".chatgate").stat().st_mode & 0o777 == 0o700


def test_a_second_run_is_refused_and_the_first_goes_on_until_ctrl_c(stack, run):
    code, err = run("up").end()
    assert code == 1
    assert f"(process {stack.process.pid})" in err
    assert all(is_running(pid) for pid in stack.pids.values())
    assert stack.get("BROKER", "/readyz").status == 200
    stack.process.send_signal(signal.SIGINT)
    assert stack.end() == (0, "")
    assert none_runs(stack.pids.values())


def ends_with(stack, name):
    """Kills the service of that name; the stack ends with it."""
    os.kill(stack.pids[name], signal.SIGKILL)
    code, err = stack.end()
    assert code == 1
    assert f"{name} ended by SIGKILL" in err
    assert none_runs(stack.pids.values())


# Each of the others is killed where a stack is there for something else: starting one takes seconds.
@pytest.mark.parametrize("name", ["valkey", "page"])
def test_a_killed_service_ends_the_stack_and_is_named(stack, name):
    ends_with(stack, name)


def test_nothing_outlives_a_killed_stack(stack):
    everybody = family(stack.process.pid)
    stack.process.kill()
    until(lambda: none_runs(everybody), PATIENCE_S)


def test_sessions_are_kept_from_run_to_run_even_where_a_service_was_killed(stack, run):
    session = shell(stack, 'echo "session $SESSION"').splitlines()[-1].removeprefix("session ")
    ends_with(stack, "proxy")
    again = run("up").wait_until_ready()
    connection = http.client.HTTPConnection("127.0.0.1", again.ports["BROKER"], timeout=PATIENCE_S)
    connection.request("GET", "/auth/token", headers={"Authorization": f"Bearer {session}"})
    assert connection.getresponse().status == 200
    connection.close()


def test_ports_in_use_are_named_and_nothing_is_started(run, ports, folder):
    with ExitStack() as taken:
        metrics = taken.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        for port in ports:
            taken.enter_context(socket.create_server(("127.0.0.1", port)))
        code, err = run("up", CHATGATE_PROXY_METRICS_PORT=str(metrics)).end()
    assert code == 1
    for name, port in zip((*NAMES, "PROXY_METRICS"), (*ports, metrics), strict=True):
        assert (
            f"Port {port} is in use. End what listens there, or set CHATGATE_{name}_PORT to another." in err
        )
    assert "Nothing was started." in err
    assert not (folder / ".chatgate" / "valkey").exists()


def test_a_port_given_twice_is_refused(run, ports):
    code, err = run("up", CHATGATE_PAGE_PORT=str(ports[0])).end()
    assert code == 1
    assert f"Port {ports[0]} is given twice. Set CHATGATE_PAGE_PORT to another." in err


def test_a_configured_redis_takes_the_place_of_the_embedded_server_and_outlives_the_stack(run, valkey):
    stack = run("up", REDIS_URL=valkey.url).wait_until_ready()
    assert list(stack.pids) == ["broker", "proxy", "backend", "page"]
    ends_with(stack, "broker")
    with redis.Redis.from_url(valkey.url) as client:
        assert client.exists("cg:cut")


def test_a_redis_that_does_not_answer_is_said_before_anything_starts(run):
    [port] = free_ports(1)
    code, err = run("up", REDIS_URL=f"redis://127.0.0.1:{port}").end()
    assert code == 1
    assert "Redis does not answer" in err
    assert "/chatgate/development.toml, is its address." in err


@pytest.mark.parametrize("says", ["", 'env = "production"\n'])
def test_a_file_for_production_is_named_and_nothing_is_started(run, folder, says):
    (folder / "chatgate.toml").write_text(says + PRODUCTION)
    code, err = run("up").end()
    assert code == 1
    assert f"{folder}/chatgate.toml: is for production" in err
    assert "or rename it, and the sample takes its place." in err
    (folder / "chatgate.toml").rename(folder / "mine.toml")
    assert "or unset CHATGATE_CONFIG, and" in run("up", CHATGATE_CONFIG="mine.toml").end()[1]
    assert not (folder / ".chatgate").exists()


def test_a_service_that_cannot_start_says_why(run):
    code, err = run("up", CHATGATE_BROKER_DATABASE_URL="postgresql://example.org/a?ssl=no").end()
    assert code == 1
    assert "broker ended with exit code 2. Its last lines:\n   broker | " in err
    assert "the database URL has a parameter that is not supported: ssl" in err


def test_a_second_stack_may_run_beside_with_a_folder_and_ports_of_its_own(stack, folder):
    with short_folder() as other:
        words = ("up", "--pages", "http://127.0.0.1:3001/book/")
        beside = Stack(other, free_ports(len(NAMES)), *words).wait_until_ready()
        assert "Ask about the book on its pages: http://127.0.0.1:3001/book/\n" in beside.said
        ends_with(beside, "backend")
    assert stack.get("PROXY", "/readyz").status == 200


def test_unread_logs_end_the_stack(stack):
    stack.process.stdout.close()
    shell(stack)
    stack.process.wait(PATIENCE_S)
    assert none_runs(stack.pids.values())
    assert stack.end() == (0, "")


def test_a_terminal_shows_logs_that_can_be_read(folder, ports):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (50, 200))
    stack = Stack(folder, ports, "up", terminal=theirs, TERM="xterm")
    os.close(theirs)
    with os.fdopen(ours, "rb", closefd=True) as screen:
        read = b""
        while b"Ctrl-C stops it" not in read:
            read += os.read(screen.fileno(), 65_536)
        assert b"overcommit" not in read
        sign_up(stack)
        while b"signed_in" not in read:
            read += os.read(screen.fileno(), 65_536)
        stack.process.terminate()
        with suppress(OSError):
            # Linux says EIO when the last writer of a terminal has gone.
            while more := os.read(screen.fileno(), 65_536):
                read += more
        assert stack.end()[0] == 0
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", read).decode()
    assert re.search(r"broker \| \d\d:\d\d:\d\d signed_up audit=true client=docs sub=\w+", plain)


def sign_up(stack):
    body = b'{"name":"Ann","email":"ann@example.com","password":"a tall ship and a star"}'
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports["BROKER"], timeout=PATIENCE_S)
    connection.request("POST", "/api/auth/sign-up/email", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
