"""The parent of several workers: it holds the listening socket, and sees to it that they are there.

It answers no request itself. A worker that dies is started anew; SIGHUP puts a new one in the place of each,
one after the other, with the program and the configuration as they are then; SIGTERM and SIGINT stop all.
"""

import asyncio
import signal
import socket
from collections.abc import Sequence
from typing import Any, Final

import structlog

from edge import logs, metrics_listener
from edge.logs import Written
from edge.metrics import Metrics, Snapshot, lasting, merged, render
from edge.seat import ABSENT, Shares, listen
from edge.worker import Worker, add_workers, spawn

READY_WITHIN: Final = 20.0
GONE_WITHIN: Final = 40.0
"""Seconds for a worker that retires: its connections, then its last answers."""
STOP_WITHIN: Final = 15.0
"""Seconds for all when the service is stopped, whose last answers have 12."""
FIRST_REST: Final = 0.25
LONGEST_REST: Final = 15.0
"""Seconds before a worker is started in the place of one that died; doubled while they die young."""
YOUNG: Final = 10.0
CANNOT_LISTEN: Final = 3
"""The exit code, as uvicorn has it."""

_log = structlog.get_logger()


class Workers:
    """`module` is what `python -m` starts with a seat; `count` of them listen on `listener`."""

    def __init__(self, module: str, count: int, listener: socket.socket, written: Written) -> None:
        self._module = module
        self._count = count
        self._listener = listener
        # While they are replaced there is one more, and one that died may be there a moment longer.
        self._shares = Shares.make(2 * count)
        # Of nobody. One that retires says ABSENT long before it leaves its own.
        self._places = set(range(2 * count))
        self._alive: set[Worker] = set()
        self._at: dict[int, Worker] = {}
        self._locks = [asyncio.Lock() for _ in range(count)]
        self._failed_starts = 0
        self._deaths = 0
        self._metrics = Metrics()
        add_workers(self._metrics, count, lambda: self._deaths)
        written.add_to(self._metrics)
        # Of workers that have ended, so that no counter ever falls.
        self._past: Snapshot = {}
        self._given_up: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked_to_stop = asyncio.Event()
        self._asked_to_roll = asyncio.Event()

    async def run(self) -> int:
        """Until a signal says stop, or none can be started. The exit code."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop_or_hurry)
        loop.add_signal_handler(signal.SIGHUP, self._asked_to_roll.set)
        work = [asyncio.create_task(self._keep(slot)) for slot in range(self._count)]
        work.append(asyncio.create_task(self._roll_when_asked()))
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
        """What all workers count, and what those counted that have ended."""
        await asyncio.gather(*(worker.measure() for worker in self._alive))
        said = [worker.told for worker in self._alive]
        return render(merged([self._metrics.snapshot(), self._past, *said]))

    def _stop_or_hurry(self) -> None:
        if self._asked_to_stop.is_set():
            for worker in self._alive:
                worker.signal(signal.SIGTERM)
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
                    # It goes as it should, and it is the other one that is kept from here on.
                    continue
                age = self._mourn(worker)
                rest = FIRST_REST if age > YOUNG else min(2 * rest, LONGEST_REST)
            else:
                rest = min(2 * rest, LONGEST_REST)
            await asyncio.sleep(rest)

    def _mourn(self, worker: Worker) -> float:
        """Its age in seconds."""
        self._deaths += 1
        age = asyncio.get_running_loop().time() - worker.begun_at
        code = worker.ended.result()
        _log.error("worker_died", slot=worker.slot, pid=worker.pid, code=code, seconds=round(age))
        return age

    async def _start(self, slot: int) -> bool:
        """One more worker, which has the slot from when it is ready. False: there was no room for it, it
        ended before, or took too long and was ended."""
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
            # As many as there should be have failed in a row, and nobody is there to answer.
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
                    # The old ones serve on: better the old program than none.
                    _log.error("replacing_stopped", slot=slot)
                    break
            else:
                _log.info("workers_replaced", workers=self._count)

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
        # What is accepted by nobody any more should be refused instead of waiting.
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
    """The exit code of the service. `metrics` listens for whoever wants to know."""
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
