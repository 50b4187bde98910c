"""The parent of several workers: it holds the listening socket and keeps the workers running.

It answers no request itself. It restarts a worker that dies, and kills one whose loop stands still.
SIGHUP replaces the workers, one after the other, with the program and the configuration as they are then;
SIGTERM and SIGINT stop all.
"""

import asyncio
import signal
import socket
from collections.abc import Sequence
from typing import Any, Final

import structlog

from edge.server import metrics_listener, watchdog
from edge.server.inherited import ABSENT, Shares, listen
from edge.server.worker import Worker, add_workers, spawn
from edge.telemetry import logs
from edge.telemetry.logs import Written
from edge.telemetry.metrics import Metrics, Snapshot, lasting, merged, render

READY_WITHIN: Final = 20.0
GONE_WITHIN: Final = 40.0
"""Seconds for a retiring worker: its connections, then its last answers."""
STOP_WITHIN: Final = 15.0
"""Seconds for all workers when the service is stopped; their last answers have 12."""
FIRST_REST: Final = 0.25
LONGEST_REST: Final = 15.0
"""Seconds before a dead worker is replaced; doubled while the new ones die young."""
YOUNG: Final = 10.0
CANNOT_LISTEN: Final = 3
"""The exit code that uvicorn uses for this, too."""

_log = structlog.get_logger()


class Workers:
    """`python -m module` starts a worker with inherited sockets; `count` of them listen on `listener`."""

    def __init__(self, module: str, count: int, listener: socket.socket, written: Written) -> None:
        self._module = module
        self._count = count
        self._listener = listener
        # During a replacement there is one more worker, and a dead one may be there a moment longer.
        self._shares = Shares.make(2 * count)
        # Free places. A retiring worker marks its place ABSENT long before it leaves it.
        self._places = set(range(2 * count))
        self._alive: set[Worker] = set()
        self._at: dict[int, Worker] = {}
        self._locks = [asyncio.Lock() for _ in range(count)]
        self._failed_starts = 0
        self._deaths = 0
        self._metrics = Metrics()
        add_workers(self._metrics, count, lambda: self._deaths)
        written.add_to(self._metrics)
        # The counts of workers that have ended, so that no counter ever falls.
        self._past: Snapshot = {}
        self._given_up: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked_to_stop = asyncio.Event()
        self._asked_to_roll = asyncio.Event()

    async def run(self) -> int:
        """Run until a signal says stop, or until no worker can be started. Returns the exit code."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop_or_hurry, one)
        loop.add_signal_handler(signal.SIGHUP, self._asked_to_roll.set)
        work = [asyncio.create_task(self._keep(slot)) for slot in range(self._count)]
        work.append(asyncio.create_task(self._roll_when_asked()))
        work.append(asyncio.create_task(self._watch()))
        stopped = asyncio.create_task(self._asked_to_stop.wait())
        try:
            waited: list[asyncio.Future[Any]] = [stopped, self._given_up, *work]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, *work):
                task.cancel()
            ends = await asyncio.gather(*work, return_exceptions=True)
            await self._stop()
        for defect in ends:
            if isinstance(defect, Exception):
                _log.error("parent_failed", error=logs.where(defect))
                return 1
        return self._given_up.result() if self._given_up.done() else 0

    async def text(self) -> bytes:
        """The metrics of all workers, those that have ended included."""
        await asyncio.gather(*(worker.measure() for worker in self._alive))
        said = [worker.told for worker in self._alive]
        return render(merged([self._metrics.snapshot(), self._past, *said]))

    def _stop_or_hurry(self, asked_by: signal.Signals) -> None:
        if self._asked_to_stop.is_set():
            for worker in self._alive:
                worker.signal(signal.SIGTERM)
        else:
            _log.info("stopping", signal=asked_by.name)
        self._asked_to_stop.set()

    async def _keep(self, slot: int) -> None:
        rest = FIRST_REST
        while True:
            async with self._locks[slot]:
                if self._at.get(slot) not in self._alive:
                    await self._start(slot)
            worker = self._at.get(slot)
            if worker is not None and worker in self._alive:
                ends: list[asyncio.Future[Any]] = [worker.ended, worker.replaced]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if worker.replaced.done():
                    # It retires as planned; its replacement is the one to keep from here on.
                    continue
                age = self._mourn(worker)
                rest = FIRST_REST if age > YOUNG else min(2 * rest, LONGEST_REST)
            else:
                rest = min(2 * rest, LONGEST_REST)
            await asyncio.sleep(rest)

    def _mourn(self, worker: Worker) -> float:
        """Count and log a worker's death. Returns its age in seconds."""
        self._deaths += 1
        age = asyncio.get_running_loop().time() - worker.begun_at
        code = worker.ended.result()
        _log.error("worker_died", slot=worker.slot, pid=worker.pid, code=code, seconds=round(age))
        return age

    async def _start(self, slot: int) -> bool:
        """Start one more worker, which gets the slot when it is ready. Returns False if the system had no
        room for it, if it ended before that, or if it took too long and was killed."""
        try:
            worker = await self._spawn(slot)
        except OSError as error:
            _log.error("worker_did_not_start", slot=slot, reason=error.strerror)
            self._could_not_start(1)
            return False
        ready = asyncio.create_task(worker.is_ready.wait())
        try:
            await asyncio.wait(
                [ready, worker.ended], timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ready.cancel()
        if worker.is_ready.is_set():
            self._give(slot, worker)
            return True
        worker.signal(signal.SIGKILL)
        code = await asyncio.shield(worker.ended)
        _log.error("worker_did_not_start", slot=slot, pid=worker.pid, code=code)
        self._could_not_start(code)
        return False

    def _give(self, slot: int, worker: Worker) -> None:
        self._failed_starts = 0
        old = self._at.get(slot)
        self._at[slot] = worker
        if old is not None:
            old.replaced.set_result(None)
        _log.info("worker_ready", slot=slot, pid=worker.pid)

    def _could_not_start(self, code: int) -> None:
        self._failed_starts += 1
        serving = any(one.is_ready.is_set() for one in self._alive)
        if self._failed_starts >= self._count and not serving and not self._given_up.done():
            # `count` starts have failed in a row, and no worker is there to answer.
            _log.error("gave_up", reason="no worker can be started")
            self._given_up.set_result(code if code > 0 else 1)

    async def _spawn(self, slot: int) -> Worker:
        place = self._places.pop()
        try:
            worker = await spawn(
                self._module,
                self._listener,
                self._shares,
                place,
                slot,
                is_taken=self._at.get(slot) in self._alive,
            )
        except OSError:
            self._places.add(place)
            raise
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._end(worker))
        return worker

    def _end(self, worker: Worker) -> None:
        self._alive.discard(worker)
        self._shares.tell(worker.place, ABSENT)
        self._places.add(worker.place)
        self._past = merged([self._past, lasting(worker.snapshot)])

    async def _roll_when_asked(self) -> None:
        while True:
            await self._asked_to_roll.wait()
            self._asked_to_roll.clear()
            _log.info("replacing_workers", workers=self._count)
            for slot in range(self._count):
                if not await self._replace(slot):
                    # The old workers go on serving: the old program is better than none.
                    _log.error("replacing_stopped", slot=slot)
                    break
            else:
                _log.info("workers_replaced", workers=self._count)

    async def _watch(self) -> None:
        """Kill a worker that does not answer; it is counted and replaced like any dead one. Stopped or in an
        endless loop, it would keep its connections waiting and not take its part of the new ones."""
        while True:
            await asyncio.sleep(watchdog.EVERY)
            for worker in self._alive:
                if worker.look() == watchdog.ENDED_AFTER:
                    seconds = round(watchdog.ENDED_AFTER * watchdog.EVERY)
                    _log.error("worker_stands_still", slot=worker.slot, pid=worker.pid, seconds=seconds)
                    worker.signal(signal.SIGKILL)

    async def _replace(self, slot: int) -> bool:
        async with self._locks[slot]:
            old = self._at.get(slot)
            if not await self._start(slot):
                return False
            new = self._at[slot]
        if old is not None and old in self._alive:
            old.retire()
            await self._end_within([old], GONE_WITHIN)
        return new in self._alive

    async def _stop(self) -> None:
        # A connection that no worker accepts any more should be refused instead of waiting.
        self._listener.close()
        for worker in self._alive:
            worker.signal(signal.SIGTERM)
        await self._end_within(list(self._alive), STOP_WITHIN)

    async def _end_within(self, workers: Sequence[Worker], seconds: float) -> None:
        if not workers:
            return
        _, late = await asyncio.wait([one.ended for one in workers], timeout=seconds)
        for worker in workers:
            if worker.ended in late:
                _log.error("worker_killed", slot=worker.slot, pid=worker.pid)
                worker.signal(signal.SIGKILL)
                await worker.ended


def run(module: str, count: int, address: tuple[str, int], metrics: socket.socket | None) -> int:
    """Run the service's parent. Returns the exit code. `metrics` is the socket that serves the metrics."""
    written = logs.configure(module)
    try:
        listener = listen(*address)
    except OSError as error:
        _log.error("cannot_listen", host=address[0], port=address[1], reason=error.strerror)
        return CANNOT_LISTEN

    async def watch() -> int:
        parent = Workers(module, count, listener, written)
        if metrics is not None:
            await metrics_listener.start(metrics, parent.text)
        return await parent.run()

    return asyncio.run(watch())
