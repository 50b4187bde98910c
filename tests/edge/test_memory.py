"""Free memory goes back to the system."""

import platform
import subprocess
import sys

import pytest

from tests.processes import REPOSITORY

SCRIPT = """
from edge.memory import give_back, resident

MIB = 1 << 20
# Each block is below the size from which glibc asks the system for it alone, and every hundredth one stays.
blocks = [bytearray(50_000) for _ in range(2_000)]
full = resident()
kept = blocks[::100]
del blocks
freed = resident()
give_back()
print((full - resident()) // MIB, (full - freed) // MIB)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps free pages")
def test_free_pages_between_pages_in_use_go_back():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    given_back, by_itself = map(int, done.stdout.split())
    assert by_itself < 20 < 70 < given_back
