"""Logs an event loop that stands still, and can end its process: its connections would wait for ever.

A thread checks that the loop turns. The parent of several workers kills one that does not answer
(edge/server/supervisor.py); so it also finds a worker that is stopped, or that blocks every thread.
"""

import asyncio
import os
import sys
import threading
import traceback
from typing import Final

import structlog

EVERY: Final = 1.0
SAID_AFTER: Final = 5
ENDED_AFTER: Final = 10
"""Looks in a row, one in EVERY seconds, that found no turn of the loop. They are counted, not timed: while
all threads were stopped together (a paused container, a sleeping machine) no look took place."""
STOOD_STILL: Final = 70
"""The exit code of a process that ended itself: EX_SOFTWARE of sysexits.h."""
_FRAMES: Final = 3

_log = structlog.get_logger()


class Watchdog:
    """Watches the loop that runs where it is started, in the main thread; looks once in `every` seconds.
    `ends`: end the process, as no parent would."""

    def __init__(self, *, ends: bool, every: float = EVERY) -> None:
        self._ends = ends
        self._every = every
        self._turns = 0
        self._over = threading.Event()

    def start(self) -> None:
        self._turn(asyncio.get_running_loop())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turns += 1
        if not self._over.is_set():
            loop.call_later(self._every / 2, self._turn, loop)

    def _watch(self) -> None:
        seen, still = 0, 0
        while not self._over.wait(self._every):
            seen, still = self._turns, still + 1 if self._turns == seen else 0
            if still == SAID_AFTER:
                _log.warning("loop_stands_still", seconds=round(still * self._every), at=_place())
            if still >= ENDED_AFTER and self._ends:
                _log.error("ended_by_watchdog", seconds=round(still * self._every), at=_place())
                # A loop that stands still could not hear a request to end.
                os._exit(STOOD_STILL)


def _place() -> list[str]:
    """The place of the main thread, the innermost frame first. No values, which may hold input."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    found = traceback.extract_stack(frame)[-_FRAMES:]
    return [f"{one.filename}:{one.lineno} in {one.name}" for one in reversed(found)]
