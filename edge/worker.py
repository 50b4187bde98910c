"""One worker, as its parent has it."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from edge.metrics import Family, Metrics, Snapshot, lasting, load
from edge.seat import ABSENT, MEASURE, READY, RETIRE, Seat, Shares

MAX_LINE: Final = 1_048_576
"""Bytes of one answer of a worker: its numbers, of some 10 KB."""
MEASURED_WITHIN: Final = 1.0
_LAST_LINE_WITHIN: Final = 1.0


@dataclass(eq=False)
class Worker:
    """`snapshot` is what it said last of what it counts, `begun_at` the loop's time. `replaced` is done when
    another has its slot; `ended` is its exit code, once all that it said was heard."""

    slot: int
    place: int
    process: asyncio.subprocess.Process
    begun_at: float
    _control: asyncio.StreamWriter
    _said: asyncio.StreamReader
    snapshot: Snapshot = field(default_factory=dict)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    replaced: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _is_silent: bool = False
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

    async def measure(self) -> None:
        """Has it say what it counts."""
        if self.is_ready.is_set() and not self.ended.done():
            self._measured.clear()
            self._control.write(MEASURE)
            try:
                async with asyncio.timeout(MEASURED_WITHIN):
                    await self._measured.wait()
            except TimeoutError:
                self._is_silent = True

    @property
    def told(self) -> Snapshot:
        """What it said last. Of one that did not answer, what it has counted: how many connections it has,
        say, and whether it is there at all, is not known."""
        return lasting(self.snapshot) if self._is_silent else self.snapshot

    async def _hear(self) -> None:
        # The kernel says so where it was killed before it read all that it was asked.
        with suppress(ConnectionResetError):
            while line := await self._said.readline():
                if line == READY:
                    self.is_ready.set()
                    continue
                # A kill may tear a line, and a newer program may count in another way.
                with suppress(ValueError, TypeError):
                    self.snapshot = load(line)
                self._is_silent = False
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


async def spawn(
    module: str, listener: socket.socket, shares: Shares, place: int, slot: int, *, is_taken: bool
) -> Worker:
    """`python -m module` in a seat. Raises OSError where the system has no room for it."""
    # Nobody's until it accepts; with as many connections as can be it makes no other one wait.
    shares.tell(place, ABSENT - 1)
    ours, theirs = socket.socketpair()
    with theirs:
        said, control = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
        seat = Seat(listener.fileno(), theirs.fileno(), shares.fd, place, slot, is_taken)
        try:
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
        except BaseException:
            control.close()
            raise
    # Nothing is waited for in between: a process that is nobody's could not be ended.
    return Worker(slot, place, process, asyncio.get_running_loop().time(), control, said)
