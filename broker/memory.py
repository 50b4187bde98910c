"""What glibc keeps of freed memory. Other systems' allocators keep less, and are left as they are."""

import ctypes
import sys
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""malloc.h."""


def share_one_arena() -> None:
    """Before the first thread starts. Else each hashing thread's arena keeps the 19 MiB of its last hash for
    ever: glibc gives back the end of the first arena only. One lock for a hash's single allocation is no
    cost, and Python's small objects do not come from there."""
    if sys.platform == "linux":
        # musl has no such function.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """What is free in between, too: a hash's memory lies above whatever was allocated after it."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
