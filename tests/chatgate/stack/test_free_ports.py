import socket
import subprocess
import sys
from contextlib import closing

import pytest

from chatgate.environment import read_environment
from chatgate.faults import Fault
from chatgate.stack import free_ports
from tests.ports import free_ports as some_free_ports
from tests.processes import PATIENCE_S, REPOSITORY, python_path

NAMES = ("BROKER", "PROXY", "BACKEND", "PAGE", "SITE")


@pytest.fixture
def taken():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def environ():
    """Free ports for all. Those of metrics are off, as they follow the others."""
    ports = dict(zip(NAMES, some_free_ports(len(NAMES)), strict=True))
    metrics = {f"CHATGATE_{name}_METRICS_PORT": "0" for name in ("BROKER", "PROXY")}
    return metrics | {f"CHATGATE_{name}_PORT": str(port) for name, port in ports.items()}


def run(folder, environ, *words):
    command = [sys.executable, "-m", "chatgate.stack.free_ports", *words]
    around = {"PYTHONPATH": python_path(REPOSITORY), **environ}
    done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, done.stderr


def test_free_ports_are_passed_in_silence_and_nothing_is_written(folder, environ):
    assert run(folder, environ, "stack", "site") == (0, "")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["BROKER", "SITE"])
def test_a_taken_port_is_named_with_the_variable_that_moves_it(folder, environ, taken, name):
    code, said = run(folder, {**environ, f"CHATGATE_{name}_PORT": str(taken)}, "stack", "site")
    assert code == 1
    assert said == (
        f"Port {taken} is in use. End what listens there, or set CHATGATE_{name}_PORT to another.\n"
        "Nothing was started.\n"
    )


def test_a_site_beside_a_stack_needs_its_own_port_alone(folder, environ, taken):
    assert run(folder, {**environ, "CHATGATE_BROKER_PORT": str(taken)}, "site") == (0, "")
    code, said = run(folder, {**environ, "CHATGATE_SITE_PORT": str(taken)}, "site")
    assert code == 1
    assert "set CHATGATE_SITE_PORT to another.\n" in said
    assert "`make up` needs the same CHATGATE_SITE_PORT" in said


def test_the_port_of_a_site_is_none_of_the_stack(folder, environ):
    code, said = run(
        folder, {**environ, "CHATGATE_SITE_PORT": environ["CHATGATE_PAGE_PORT"]}, "stack", "site"
    )
    assert code == 1
    assert "is given twice. Set CHATGATE_SITE_PORT to another." in said


def test_listening_where_another_does_is_a_fault(folder, environ, taken):
    around = read_environment({**environ, "CHATGATE_SITE_PORT": str(taken)}, folder, make=False)
    [site] = free_ports.of_site(around)
    with pytest.raises(Fault, match=f"Port {taken} is in use"):
        free_ports.listen(site)
