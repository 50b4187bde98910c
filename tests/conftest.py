import contextlib
import gc
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.topologies.alone import alone
from tests.topologies.clusters import Clustered, clustered
from tests.topologies.scripts import recorded_scripts
from tests.topologies.sentinels import watched
from tests.turns import is_alone, turn
from tests.valkey import PATIENT_S, Lent

# A plugin of some modules. pytest refuses it once a module has imported it, which depends on their order.
pytest.register_assert_rewrite("tests.broker.storage.sql_stores")
# The small embedding model would take a minute for the sample book on a busy machine; the tests that want
# it name it.
os.environ["CHATGATE_BACKEND_EMBEDDINGS_MODEL"] = "none"
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Under nohup. A service would inherit that it ignores the signal; it does not inherit a handler.
    signal.signal(signal.SIGHUP, lambda *_: None)


LONGEST = ("widget", "system", "chatgate", "generators", "browser", "deploy", "broker")
"""Folders whose tests run first, so that none of the long ones is left for one process at the end."""
WHY = 500
"""Characters of the reason why a test had failed that passed when it was run once more."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    with contextlib.nullcontext() if is_alone(item) else turn():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with _part_of(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with _part_of(item, alone=True):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    with _part_of(item):
        return (yield)


def _part_of(item, *, alone=False):
    # Others go on while servers are started for it, which takes seconds, and when they are stopped.
    return turn(alone=alone) if is_alone(item) else contextlib.nullcontext()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("node"):
            # The first of them waits for npm, and for sites that are built.
            item.add_marker(pytest.mark.timeout(900))
    alone = Counter(item.path for item in items if is_alone(item))
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (_rank(alone[item.path], tests[item.path]), _turn(item)))


def pytest_collection_finish():
    # Modules and collected tests stay until the end: no need to look through them for garbage each time.
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """Say why each test that was run once more had failed; its name alone leads nowhere."""
    for report in terminalreporter.stats.get("rerun", ()):
        crash = getattr(report.longrepr, "reprcrash", None)
        why = f"{crash.path}:{crash.lineno}: {crash.message}" if crash else report.longreprtext[-WHY:]
        terminalreporter.write_line(f"{report.nodeid} failed first: {' '.join(why.split())[:WHY]}")


def _rank(alone, tests):
    """The modules whose tests are all alone are the last, and those that have such tests come before them: an
    alone test keeps the other processes waiting, first for the tests under way and then for its own end."""
    return 0 if not alone else 2 if alone == tests else 1


def _turn(item):
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def lent():
    lent = Lent()
    yield lent
    lent.end()


@pytest.fixture
def valkey(lent):
    """A server that is empty and as it is by default."""
    yield lent.take()
    lent.give_back()


@pytest.fixture
def redis_deadline():
    """Seconds. A module that holds the services to their default has a fixture of this name."""
    return PATIENT_S


@pytest.fixture(scope="module", params=[alone, watched, clustered], ids=["single", "sentinel", "cluster"])
def started(request):
    with request.param() as together:
        yield together


@pytest.fixture
def together(started):
    """The servers of each topology in turn, empty and with their settings as they were."""
    started.each("FLUSHALL")
    started.each("CONFIG", "SET", "maxmemory", "0", "hz", "10")
    return started


@pytest.fixture
def called(together):
    """The scripts that the test's services call, each of which must have keys of one slot in a Cluster."""
    with recorded_scripts(have_one_slot=isinstance(together, Clustered)) as called:
        yield called
