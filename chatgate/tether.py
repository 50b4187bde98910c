"""Becomes a command that ends with the process which started it, whatever ended that one.

Run as a file, not imported: `python -I -S tether.py kernel PARENT_PID COMMAND...` or, where the kernel
offers no such tie, `pipe READ_END COMMAND...`, with the pipe's other end in the parent alone.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""linux/prctl.h. The tie survives exec; it is to the thread that forked, so the main one has to."""


def main(arguments: Sequence[str]) -> None:
    how, number, *command = arguments
    if how == "kernel":
        _ask_the_kernel(int(number))
    else:
        _leave_a_watcher(int(number))
    os.execvp(command[0], command)  # noqa: S606


def _ask_the_kernel(parent: int) -> None:
    # KILL, as a server that waits for its last answers would hold its port against the next stack. What
    # is lost is what a crash may lose anyway: nothing that was acknowledged is only in these processes.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        # It died before the tie was made.
        sys.exit(1)


def _leave_a_watcher(read_end: int) -> None:
    """A forked process that waits for the end of the pipe, then kills the group of this one."""
    watched = os.getpid()
    if os.fork() != 0:
        os.close(read_end)
        return
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        # Else whoever reads the command's output would wait for the watcher's end as well.
        os.dup2(silence, stream)
    os.read(read_end, 1)
    # A parent that is another one by now means that the command has ended, and its number may be another's.
    if os.getppid() == watched:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
