"""Becomes a command that ends with the process which started it, however that process ends.

It is run as a file, not imported: `python -I -S end_with_parent.py kernel PARENT_PID COMMAND...` or, where
the kernel has no PR_SET_PDEATHSIG, `pipe READ_END COMMAND...`; only the parent holds the pipe's other end.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""linux/prctl.h. The setting survives exec. It follows the thread that forked, so the main thread must
fork."""


def main(arguments: Sequence[str]) -> None:
    how, number, *command = arguments
    if how == "kernel":
        _ask_the_kernel(int(number))
    else:
        _leave_a_watcher(int(number))
    os.execvp(command[0], command)  # noqa: S606


def _ask_the_kernel(parent: int) -> None:
    # SIGKILL, because a server that waits for its last answers would keep its port from the next stack. It
    # loses no more than a crash would: no acknowledged write is held in these processes alone.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        # The parent died before prctl took effect.
        sys.exit(1)


def _leave_a_watcher(read_end: int) -> None:
    """Fork a process that waits for the end of the pipe, then kills the process group of this one."""
    watched = os.getpid()
    if os.fork() != 0:
        os.close(read_end)
        return
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        # A program that reads the command's output would otherwise wait for the watcher's end too.
        os.dup2(silence, stream)
    os.read(read_end, 1)
    # A changed parent means that the command has ended, and another process may have its pid by now.
    if os.getppid() == watched:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
