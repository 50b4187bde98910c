"""A Valkey whose own clock is wrong: a few lines of C, preloaded, add a number of seconds to it."""

import mmap
import struct
import subprocess
from pathlib import Path

import pytest

from tests.valkey import Valkey

SHIFTED = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *shift;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK_SHIFT"), O_RDONLY);
    shift = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (clock == CLOCK_REALTIME) at->tv_sec += *shift;
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    at->tv_sec = exact.tv_sec;
    at->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (at) *at = exact.tv_sec;
    return exact.tv_sec;
}
"""


class Clock:
    """Redis' clock: `set(seconds)` moves it so many seconds away from every other clock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shift"
        self.path.write_bytes(bytes(8))
        with self.path.open("r+b") as file:
            self._shift = mmap.mmap(file.fileno(), 8)

    def set(self, seconds: int) -> None:
        self._shift[:8] = struct.pack("l", seconds)


class Shifted:
    """Starts servers whose clock is `clock`."""

    def __init__(self, folder: Path) -> None:
        (folder / "shifted.c").write_text(SHIFTED)
        self._library = folder / "shifted.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self._library, folder / "shifted.c"], check=True)
        self.clock = Clock(folder)

    def start(self, folder: Path) -> Valkey:
        valkey = Valkey(folder)
        # For Valkey alone: no other process' clock is moved.
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("LD_PRELOAD", str(self._library))
            patched.setenv("CLOCK_SHIFT", str(self.clock.path))
            valkey.start()
        return valkey
