"""Gives memory that is free, and that the process keeps, back to the system."""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of this process in memory; 0 on systems that do not tell it."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def give_back() -> None:
    """Free what only the garbage collector finds, and give free pages of the heap back. Stands still for some
    milliseconds, so it is for a quiet moment."""
    gc.collect()
    if sys.platform == "linux":
        # glibc keeps free pages between pages in use for ever; musl has no such function and keeps none.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
