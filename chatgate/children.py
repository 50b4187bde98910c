"""How this command starts processes that must not outlive it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_TETHER: Final = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class Tethered:
    """`pass_fds` has to be handed on to whatever starts the `command`, from the main thread."""

    command: tuple[str, ...]
    pass_fds: tuple[int, ...]


def tethered(command: Sequence[str], *, by_kernel: bool = sys.platform == "linux") -> Tethered:
    """`command`, made to end with this process even if that is killed. Its pid is the command's own."""
    python = (sys.executable, "-I", "-S", str(_TETHER))
    if by_kernel:
        return Tethered((*python, "kernel", str(os.getpid()), *command), ())
    read_end = _lifeline()
    return Tethered((*python, "pipe", str(read_end), *command), (read_end,))


@cache
def _lifeline() -> int:
    """The read end of a pipe whose other end is never written to, and closes when this process ends."""
    read_end, _ = os.pipe()
    return read_end
