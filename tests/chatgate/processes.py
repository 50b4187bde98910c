"""Processes that the tests of running stacks start and question."""

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil


def until(condition, seconds=10.0):
    """Waits for a condition and returns what it came to; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not true within {seconds} s"
        time.sleep(0.01)
    return found


def is_running(pid):
    """A process that has ended and that nobody has asked about yet does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(pid):
    """The pids of a process and of all that come from it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def none_runs(pids):
    return not any(is_running(pid) for pid in pids)


@contextmanager
def short_folder():
    """A unix socket's path has room for 107 bytes, so not where pytest keeps its own."""
    folder = Path(tempfile.mkdtemp(prefix="cg", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
