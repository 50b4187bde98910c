"""Child processes that must not outlive this command."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_TETHER: Final = Path(__file__).with_name("end_with_parent.py")


@dataclass(frozen=True, slots=True)
class Child:
    """The code that starts the `command` must pass `pass_fds` on, and must run in the main thread."""

    command: tuple[str, ...]
    pass_fds: tuple[int, ...]


def end_with_parent(command: Sequence[str], *, by_kernel: bool = sys.platform == "linux") -> Child:
    """Wrap `command` so that it ends with this process, even if this one is killed. Its pid is the command's
    own."""
    python = (sys.executable, "-I", "-S", str(_TETHER))
    if by_kernel:
        return Child((*python, "kernel", str(os.getpid()), *command), ())
    read_end = _lifeline()
    return Child((*python, "pipe", str(read_end), *command), (read_end,))


@cache
def _lifeline() -> int:
    """The read end of a pipe. This process never writes to the other end, which closes when the process
    ends."""
    read_end, _ = os.pipe()
    return read_end
