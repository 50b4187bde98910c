"""One worker, as its parent sees it."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from edge.server.inherited import ABSENT, ALIVE, MEASURE, READY, RETIRE, Inherited, Shares
from edge.telemetry.metrics import Family, Metrics, Snapshot, lasting, load

MAX_LINE: Final = 1_048_576
"""Bytes of one answer of a worker: its metrics, some 10 KB."""
MEASURED_WITHIN: Final = 1.0
_LAST_LINE_WITHIN: Final = 1.0


@dataclass(eq=False)
class Worker:
    """`snapshot` has the metrics that it sent last, `begun_at` the loop's time. `replaced` is done when
    another worker has its slot; `ended` has its exit code, once all that it sent was read."""

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
    _looks: int = 0
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
        """Ask the worker for its metrics, and wait for them."""
        if self.is_ready.is_set() and not self.ended.done():
            self._measured.clear()
            self._control.write(MEASURE)
            try:
                async with asyncio.timeout(MEASURED_WITHIN):
                    await self._measured.wait()
            except TimeoutError:
                self._is_silent = True

    def look(self) -> int:
        """Ask whether its loop turns. Returns the number of looks since it last answered."""
        if not self.is_ready.is_set() or self.ended.done():
            return 0
        if self._looks == 0:
            self._control.write(ALIVE)
        self._looks += 1
        return self._looks - 1

    @property
    def told(self) -> Snapshot:
        """The metrics that it sent last. If it did not answer, the counters only: its gauges, such as the
        number of its connections or whether it runs at all, are unknown."""
        return lasting(self.snapshot) if self._is_silent else self.snapshot

    async def _hear(self) -> None:
        # The kernel raises it if the worker was killed before it read everything that it was sent.
        with suppress(ConnectionResetError):
            while line := await self._said.readline():
                self._looks = 0
                if line == READY:
                    self.is_ready.set()
                if line in (READY, ALIVE):
                    continue
                # A kill may tear a line, and a newer program may count in another form.
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
    """Add the metrics of a parent; a process that serves alone adds them itself."""
    metrics.add(Family("chatgate_workers_wanted", "gauge", "Workers as configured."), lambda: wanted)
    metrics.add(
        Family("chatgate_worker_deaths_total", "counter", "Workers that ended without being asked to."),
        deaths,
    )


async def spawn(
    module: str, listener: socket.socket, shares: Shares, place: int, slot: int, *, is_taken: bool
) -> Worker:
    """Start `python -m module` with inherited sockets. Raises OSError where the system has no room for it."""
    # Until it accepts, it has the highest count, so that no other worker yields to it.
    shares.tell(place, ABSENT - 1)
    ours, theirs = socket.socketpair()
    with theirs:
        said, control = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
        inherited = Inherited(listener.fileno(), theirs.fileno(), shares.fd, place, slot, is_taken)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                "--inherited",
                str(inherited),
                pass_fds=inherited.descriptors,
                # Only the parent gets a Ctrl-C in the terminal, and hands it on once.
                process_group=0,
            )
        except BaseException:
            control.close()
            raise
    # No await in between: a process without a Worker could not be ended.
    return Worker(slot, place, process, asyncio.get_running_loop().time(), control, said)
