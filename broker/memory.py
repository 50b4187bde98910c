"""What glibc keeps of freed memory. Other systems' allocators keep less, and are left as they are."""

import ctypes
import sys
import threading
from contextlib import suppress
from typing import Final

# malloc.h, and glibc's own default for it. What is kept otherwise is the room of one hash and some.
_M_TRIM_THRESHOLD: Final = -1
_LEAST: Final = 131_072
_KEPT: Final = 33_554_432
_LARGE: Final = 100_000
"""Bytes whose freeing makes glibc look at its heap's end: 65,536 or more."""


def give_back(together: threading.Barrier) -> None:
    """Give the free end of the calling thread's heap back to the system; all threads of a pool at once.

    Each thread allocates from an arena of its own, whose end `malloc_trim` leaves alone. One arena for all
    would be trimmed, but a thread that is polite to the event loop would hold the lock that the loop needs.
    """
    if sys.platform != "linux":
        return
    # musl has no mallopt, and a pool that is being closed has fewer threads.
    with suppress(OSError, AttributeError, threading.BrokenBarrierError):
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
        together.wait(1)
        libc.mallopt(_M_TRIM_THRESHOLD, _LEAST)
        libc.free(libc.malloc(_LARGE))
        # What is free in between, in all arenas.
        libc.malloc_trim(0)
        together.wait(1)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
