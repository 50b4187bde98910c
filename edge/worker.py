"""One worker, as its parent has it."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from edge.metrics import Family, Metrics, Snapshot, load
from edge.seat import ABSENT, MEASURE, READY, RETIRE, Seat, Shares

MAX_LINE: Final = 1_048_576
"""Bytes of one answer of a worker: its numbers, of some 10 KB."""
MEASURED_WITHIN: Final = 1.0
_LAST_LINE_WITHIN: Final = 1.0


@dataclass(eq=False)
class Worker:
    """`snapshot` is what it said last of what it counts; `begun_at` is of the loop's clock. `ended` is its
    exit code, once all that it said was heard."""

    slot: int
    place: int
    process: asyncio.subprocess.Process
    begun_at: float
    _control: asyncio.StreamWriter
    _said: asyncio.StreamReader
    snapshot: Snapshot = field(default_factory=dict)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    _measured: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._hearing = asyncio.create_task(self._hear())
        self.ended = asyncio.create_task(self._end())

    @property
    def pid(self) -> int:
        return self.process.pid

    def retire(self) -> None:
        self._control.write(RETIRE)

    def signal(self, which: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(which)

    async def measure(self) -> Snapshot:
        """What it counts now, or what it said last where it does not answer."""
        if self.is_ready.is_set() and not self.ended.done():
            self._measured.clear()
            self._control.write(MEASURE)
            with suppress(TimeoutError):
                async with asyncio.timeout(MEASURED_WITHIN):
                    await self._measured.wait()
        return self.snapshot

    async def _hear(self) -> None:
        while line := await self._said.readline():
            if line == READY:
                self.is_ready.set()
            else:
                self.snapshot = load(line)
                self._measured.set()

    async def _end(self) -> int:
        code = await self.process.wait()
        await asyncio.wait([self._hearing], timeout=_LAST_LINE_WITHIN)
        self._hearing.cancel()
        self._control.close()
        return code


def add_workers(metrics: Metrics, wanted: int, deaths: Callable[[], int]) -> None:
    """What a parent counts, and for it whoever serves alone."""
    metrics.add(Family("chatgate_workers_wanted", "gauge", "Workers as configured."), lambda: wanted)
    metrics.add(
        Family("chatgate_worker_deaths_total", "counter", "Workers that ended although nobody asked."), deaths
    )


async def spawn(module: str, listener: socket.socket, shares: Shares, slot: int) -> Worker:
    """`python -m module` in a seat."""
    place = shares.free_place()
    # Nobody's until it accepts; with as many connections as can be it makes no other one wait.
    shares.tell(place, ABSENT - 1)
    ours, theirs = socket.socketpair()
    with theirs:
        seat = Seat(listener.fileno(), theirs.fileno(), shares.fd, place, slot)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            "--seat",
            str(seat),
            pass_fds=seat.descriptors,
            # A Ctrl-C in the terminal is heard by the parent alone, and handed on once.
            process_group=0,
        )
    said, control = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
    return Worker(slot, place, process, asyncio.get_running_loop().time(), control, said)
