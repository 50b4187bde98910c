"""Processes that the tests of running stacks start and question."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 10.0) -> T:
    """Waits for a condition and returns what it came to; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not true within {seconds} s"
        time.sleep(0.01)
    return found


def is_running(pid: int) -> bool:
    """A process that has ended, and that its parent has not waited for yet, does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(pid: int) -> list[int]:
    """The pids of a process and of all that come from it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def none_runs(pids: Iterable[int]) -> bool:
    return not any(is_running(pid) for pid in pids)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A unix socket's path has room for 107 bytes, so not where pytest keeps its own."""
    folder = Path(tempfile.mkdtemp(prefix="cg", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
