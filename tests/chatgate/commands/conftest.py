import pytest

from tests.chatgate.processes import none_runs, until
from tests.chatgate.stacks import NAMES, Stack
from tests.ports import free_ports
from tests.processes import PATIENCE_S


@pytest.fixture
def ports():
    return free_ports(len(NAMES))


@pytest.fixture
def run(folder, ports):
    started = []

    def begin(*words, **variables):
        stack = Stack(folder, ports, *words, **variables)
        started.append(stack)
        return stack

    yield begin
    for stack in started:
        stack.close()
    until(lambda: none_runs(pid for stack in started for pid in stack.pids.values()), PATIENCE_S)
