"""Writes to sockets that leave together at the end of a turn of the event loop.

A write is a system call, which on loopback or a bridge also delivers the segment and wakes the other side:
some 20 µs. uvloop makes it at once, so that a peer which fell asleep after one message is woken again for the
next. Sent one after the other, the messages of a turn wake it once (docs/performance.md).
"""

import asyncio
from typing import Protocol


class Writer(Protocol):
    def flush(self) -> None:
        """Pass on what is held, if anything is."""


class Turn:
    """The writers that hold something in this turn of the event loop. Each may be added more than once."""

    def __init__(self) -> None:
        self._writers: list[Writer] = []

    def add(self, writer: Writer) -> None:
        if not self._writers:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._end, loop)
        self._writers.append(writer)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            try:
                writer.flush()
            except Exception as error:
                # A defect in one must not hold back what the others have written.
                loop.call_exception_handler({"message": "a write failed", "exception": error})
