"""Gives freed memory that glibc keeps back to the system. Other systems' allocators keep less."""

import ctypes
import sys
import threading
from contextlib import suppress
from typing import Final

# malloc.h, and glibc's own default for it. `_KEPT` has room for one hash and some more.
_M_TRIM_THRESHOLD: Final = -1
_LEAST: Final = 131_072
_KEPT: Final = 33_554_432
_LARGE: Final = 100_000
"""Bytes: freeing 65,536 or more makes glibc check the end of its heap."""


def give_back(together: threading.Barrier) -> None:
    """Give the free end of the calling thread's heap back to the system; all threads of a pool run it at
    once.

    Each thread allocates from an arena of its own, whose end `malloc_trim` does not trim. A single arena
    would be trimmed, but then a thread of low priority would hold the lock that the event loop needs.
    """
    if sys.platform != "linux":
        return
    # musl has no mallopt, and a pool that is closing has fewer threads.
    with suppress(OSError, AttributeError, threading.BrokenBarrierError):
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
        together.wait(1)
        libc.mallopt(_M_TRIM_THRESHOLD, _LEAST)
        libc.free(libc.malloc(_LARGE))
        # Frees the unused pages inside all arenas.
        libc.malloc_trim(0)
        together.wait(1)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
