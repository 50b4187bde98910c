"""Child processes of one stack: start them, wait until they are ready, read their logs, stop them in
reverse."""

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from chatgate.faults import Fault
from chatgate.stack import log_lines
from chatgate.stack.child_processes import end_with_parent

READY_WITHIN: Final = 15.0
STOP_WITHIN: Final = 12.0
"""Seconds. The services end their last answers within 10."""
KEPT_LINES: Final = 100
"""Lines kept of each service; the lines shown at its end are chosen from them."""
LAST_LINES: Final = 8
MAX_LINE: Final = 65_536
_POLL: Final = 0.03

Hear = Callable[[str, str], None]
"""Called with the service's name and a line that it wrote."""


@dataclass(frozen=True, slots=True)
class Service:
    """`is_ready` is called in a thread until it returns True, and must return within about a second.

    A task ends by itself, and the others go on even if it fails.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    is_ready: Callable[[], bool]
    ready_within: float = READY_WITHIN
    stop_within: float = STOP_WITHIN
    is_task: bool = False


class ServiceFailed(Fault):
    """A service ended, or was not ready in time."""


class Child:
    """One running service and the last lines that it wrote."""

    def __init__(self, service: Service, process: asyncio.subprocess.Process, hear: Hear) -> None:
        self.service = service
        self._process = process
        self._last: deque[str] = deque(maxlen=KEPT_LINES)
        self._reading = asyncio.create_task(self._read(hear))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def wait_until_ready(self) -> None:
        """Raises ServiceFailed."""
        patience = self.service.ready_within
        until = time.monotonic() + patience
        while not await asyncio.to_thread(self.service.is_ready):
            if time.monotonic() > until:
                raise ServiceFailed(
                    self._with_last_lines(f"{self.service.name} was not ready within {patience:.0f} s")
                )
            await asyncio.sleep(_POLL)

    async def wait_until_ended(self) -> None:
        await self._process.wait()

    async def failure(self) -> ServiceFailed:
        """The exception to raise once the service has ended."""
        # A child of the service may still hold its output open, so the wait for the output's end is short.
        await asyncio.wait([self._reading], timeout=1)
        return ServiceFailed(self._with_last_lines(self._end))

    async def tell_failure(self, hear: Hear) -> None:
        """Wait for the end of a task, and report a line if it failed."""
        await self._process.wait()
        await asyncio.wait([self._reading], timeout=1)
        if self._process.returncode:
            hear(self.service.name, f"{self._end}. The others go on.")

    @property
    def _end(self) -> str:
        code = self._process.returncode or 0
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"{self.service.name} ended {how}"

    async def stop(self) -> None:
        if not self.ended:
            with suppress(ProcessLookupError):
                # Process.terminate would collect the exit code of one that is just ending, and asyncio, which
                # waits for it too, would then say on standard error that it does not know the process.
                os.kill(self.pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), self.service.stop_within)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                await self._process.wait()
        await asyncio.wait([self._reading], timeout=1)
        self._reading.cancel()

    async def _read(self, hear: Hear) -> None:
        output = self._process.stdout
        assert output is not None  # noqa: S101  a pipe was asked for
        while line := await _next_line(output):
            text = line.decode(errors="replace").rstrip("\r\n")
            if text:
                self._last.append(text)
                hear(self.service.name, text)

    def _with_last_lines(self, what: str) -> str:
        if not self._last:
            return f"{what}. It wrote nothing."
        lines = log_lines.last(self.service.name, self._last, LAST_LINES)
        return "\n  ".join([f"{what}. Its last lines:", *lines])


async def _next_line(output: asyncio.StreamReader) -> bytes:
    """A line, or a piece of one that is too long; b"" at the end."""
    try:
        return await output.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:
        return await output.read(max(overrun.consumed, 1))


async def _wait_in_order(children: Sequence[Child]) -> None:
    for child in children:
        await child.wait_until_ready()


class Children:
    """The services of one stack, in the order in which they were started."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._children: list[Child] = []
        self._told: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        return {child.service.name: child.pid for child in self._children}

    async def start(self, services: Sequence[Service]) -> None:
        """Start all services at once, and wait until they are ready in turn. A service is asked only when
        those before it are ready: its own check of another service may fail, and then rest before the next
        attempt.

        Raises the ServiceFailed of a service that ends or does not get ready.
        """
        started = [await self._start(service) for service in services]
        ready = asyncio.create_task(_wait_in_order(started))
        end = asyncio.create_task(self.first_end())
        try:
            await asyncio.wait({ready, end}, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                raise end.result()
            await ready
        finally:
            ready.cancel()
            end.cancel()

    async def first_end(self) -> ServiceFailed:
        """Wait until any service ends that is no task."""
        services = [child for child in self._children if not child.service.is_task]
        waiting = {asyncio.create_task(child.wait_until_ended()): child for child in services}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        # When several end together, the first started is the cause: the others depend on it.
        first = next(child for task, child in waiting.items() if task in done)
        return await first.failure()

    async def stop(self) -> None:
        """Stop the services, the last started first: it may need the others for its last answers."""
        for telling in self._told:
            telling.cancel()
        for child in reversed(self._children):
            await child.stop()

    async def _start(self, service: Service) -> Child:
        tied = end_with_parent(service.command)
        process = await asyncio.create_subprocess_exec(
            *tied.command,
            env=service.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # A Ctrl-C in the terminal then reaches this command alone, which stops the services in order.
            start_new_session=True,
            pass_fds=tied.pass_fds,
            limit=MAX_LINE,
        )
        child = Child(service, process, self._hear)
        self._children.append(child)
        if service.is_task:
            self._told.append(asyncio.create_task(child.tell_failure(self._hear)))
        return child
