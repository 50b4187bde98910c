"""How the services end when they are told to: with exit code 0, whenever it is, and nothing left behind."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.chatgate.processes import family, none_runs, until
from tests.system.stack import Stack

pytestmark = pytest.mark.system

SERVICES = "broker", "chat_proxy"


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    try:
        yield stack
    finally:
        stack.stop_all()


def set_workers(stack, workers):
    for table in ("BROKER", "PROXY"):
        stack.environ[f"CHATGATE_{table}_WORKERS"] = str(workers)


def hears(pid, how):
    """Whether a process has something of its own to do on a signal."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["SigCgt"], 16) >> (how - 1) & 1


@pytest.mark.parametrize(
    ("workers", "how"),
    [(1, signal.SIGTERM), (1, signal.SIGINT), (1, signal.SIGHUP), (2, signal.SIGINT)],
)
def test_a_service_that_is_told_to_stop_ends_with_code_0(stack, workers, how):
    stack.valkey.start()
    set_workers(stack, workers)
    for name in SERVICES:
        stack.start(name)
    for name in SERVICES:
        everybody = family(stack.processes[name].pid)
        stack.processes[name].send_signal(how)
        assert stack.processes[name].wait(10) == 0
        assert none_runs(everybody)
        log = stack.log_of(name)
        assert f'"signal":"{how.name}","event":"stopping"' in log
        assert "Traceback" not in log


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="looks into Linux' /proc")
@pytest.mark.parametrize(
    ("workers", "how"),
    [
        (1, signal.SIGTERM),
        (1, signal.SIGINT),
        (1, signal.SIGHUP),
        (2, signal.SIGTERM),
        (2, signal.SIGINT),
    ],
)
def test_a_service_that_is_told_to_stop_while_it_starts_ends_with_code_0(stack, workers, how):
    set_workers(stack, workers)
    for name in SERVICES:
        # One after the other, as the second would be up by the time that the first has ended.
        stack.start(name, wait=False)
        process = stack.processes[name]
        # Before that it is Python that starts, and ends as the system has it.
        until(partial(hears, process.pid, signal.SIGTERM))
        process.send_signal(how)
        assert process.wait(10) == 0
        # A parent of workers may have begun to serve by then, and says that it stops.
        others = [one for one in stack.log_of(name).splitlines() if '"event":"stopping"' not in one]
        assert others == []
