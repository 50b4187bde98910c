"""Which tests may run beside others, when several processes share them out.

A test that is marked `alone` measures, or holds to a deadline on the wall clock what takes most of a machine:
it has all processes to itself once its fixtures are there. The lock's files are the repository's own, so that
nothing is left behind.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_DOOR = Path(__file__)
_ROOM = Path(__file__).with_name("conftest.py")


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@contextlib.contextmanager
def turn(*, alone: bool = False) -> Iterator[None]:
    """Around a whole test, or around one part of a test that is alone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with _DOOR.open() as door, _ROOM.open() as room:
        # A test that wants the room alone waits in its door, so that no other goes in meanwhile.
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Closing the file would leave the lock to every process that was forked meanwhile and still runs.
            fcntl.flock(room, fcntl.LOCK_UN)
