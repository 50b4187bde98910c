import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.ports import free_ports
from tests.rag_backend.books import SECRET

START = [sys.executable, "-m", "rag_backend"]


def environment(**variables):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATE_")}
    return plain | {f"CHATGATE_BACKEND_{name}": str(value) for name, value in variables.items()}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_serves_on_its_port_and_ends_cleanly(tmp_path, how):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n")
    [port] = free_ports(1)
    process = subprocess.Popen(
        START,
        env=environment(SECRET_FILE=secret, PORT=port, INDEX=tmp_path / "none.db"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert json.loads(process.stderr.readline())["event"] == "started"
        # A backend that has logged its start accepts connections.
        socket.create_connection(("127.0.0.1", port), 5).close()
        warning = json.loads(process.stderr.readline())
        assert (warning["event"], warning["level"]) == ("index_missing", "warning")
        assert warning["index"].endswith("none.db")
        assert "chatgate index" in warning["detail"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
            assert response.headers["server"] is None
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
        process.send_signal(how)
        _, log = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["stopped"]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "SECRET"),
        ({"SECRET": "x" * 31}, "SECRET"),
        ({"SECRET_FILE": "/nowhere/secret"}, "SECRET_FILE"),
        ({"SECRET": "x" * 32, "SECRET_FILE": "/nowhere/secret"}, "not both"),
    ],
)
def test_it_refuses_to_start_without_a_secret(variables, named):
    ended = subprocess.run(START, env=environment(**variables), capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert f"CHATGATE_BACKEND_{named}" in ended.stderr or named in ended.stderr
    assert "Traceback" not in ended.stderr


def test_with_an_index_it_warns_of_nothing(sample_index):
    process = subprocess.Popen(
        START,
        env=environment(SECRET=SECRET.decode(), PORT=free_ports(1)[0], INDEX=sample_index),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        started = process.stderr.readline()
        process.terminate()
        _, log = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert [json.loads(line)["event"] for line in (started, *log.splitlines())] == ["started", "stopped"]


def refused(**variables):
    ended = subprocess.run(
        START,
        env=environment(SECRET=SECRET.decode(), **variables),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    return line


def test_a_taken_port_is_one_line_that_names_the_variable():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"CHATGATE_BACKEND_PORT: port {port} is taken" in refused(PORT=port)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HOST": "203.0.113.1"}, "CHATGATE_BACKEND_HOST: 203.0.113.1 is no address of this machine"),
        ({"HOST": "nowhere.invalid"}, "CHATGATE_BACKEND_HOST: nowhere.invalid"),
        ({"HOST": "a..b"}, "CHATGATE_BACKEND_HOST: a..b"),
        ({"PORT": "eighty"}, "CHATGATE_BACKEND_PORT must be a whole number from 1 to 65535"),
        ({"PROT": "8002"}, "CHATGATE_BACKEND_PROT is no setting"),
    ],
)
def test_a_start_that_fails_is_told_in_one_line(variables, said):
    assert said in refused(**variables)
