"""The answers under way, and everything that may end one of them before it is whole."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from starlette.types import Receive

from chat_proxy.admission.commands import Grant
from chat_proxy.failures import ANSWER_TIMEOUT, BACKEND_TIMEOUT, READER_GONE, Failed, Failure
from chat_proxy.gate import Caller
from tokens.liveness import BY_JTI, root_of

WATCH_AFTER: Final = 0.25
"""Seconds until the proxy watches for the client's disconnect; most answers end before they need that
task."""
KEEP_ALIVE_AFTER: Final = 15.0
"""Seconds of silence before a sign of life, less than proxies commonly allow an idle connection."""

_T = TypeVar("_T")


class RunningAnswer:
    """One question from before its admission to its release.

    `end` may be called from anywhere in the loop: the first failure counts, and the wait that it interrupts
    raises Failed. `renewed_at` is monotonic seconds; `keep_alive_after` the seconds of silence after which
    `read` returns None.
    """

    def __init__(self, caller: Caller, keep_alive_after: float) -> None:
        self.caller = caller
        self._keep_alive_after = keep_alive_after
        self.grant: Grant | None = None
        self.renewed_at = 0.0
        self.failure: Failure | None = None
        # Read once: before Python 3.12 each get_running_loop() costs a system call (getpid).
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._interrupts = 0
        self._is_reading = False
        self._has_begun = False
        self._spoke_at = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._watcher: asyncio.Task[None] | None = None

    def admitted(self, grant: Grant) -> None:
        self.grant = grant
        self.renewed_at = grant.asked_at

    def end(self, failure: Failure) -> None:
        if self.failure is None:
            self.failure = failure
            self._interrupt()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Enclose the waits that `end` may interrupt, in the task that answers. Raises Failed."""
        if self.failure is not None:
            raise Failed(self.failure)
        self._task = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            # The server may have cancelled the task too: then more cancellations are pending than our own.
            if self.failure is None or self._settle() > 0:
                raise
            raise Failed(self.failure) from None
        finally:
            self._task = None
            self._settle()
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
            if self._watcher is not None:
                self._watcher.cancel()
                # The cancelled task's traceback refers to this answer. Were the task kept here, only the
                # garbage collector would free the two, and with them the whole request.
                self._watcher = None

    def limit(self, first_byte: float, answer: float, receive: Receive) -> None:
        """Set the deadlines, in seconds, and watch for the client's disconnect."""
        begun_at = self._loop.time()
        # Most answers need this first timer only; each timer costs as much as a Redis command.
        soonest = min(WATCH_AFTER, first_byte, answer)
        limits = begun_at + first_byte, begun_at + answer
        self._timers["start"] = self._loop.call_later(soonest, self._set_timers, *limits, receive)

    def begun(self) -> None:
        """Note that the first byte of the answer has come, and cancel its deadline."""
        self._has_begun = True
        if "first_byte" in self._timers:
            self._timers.pop("first_byte").cancel()

    def keep_alive(self) -> None:
        """Make `read` return None after a silence."""
        self.spoke()
        self._timers["silence"] = self._loop.call_later(self._keep_alive_after, self._look)

    def spoke(self) -> None:
        self._spoke_at = self._loop.time()

    async def read(self, more: Callable[[], Awaitable[_T]]) -> _T | None:
        """Return the result of `more`, or None after a silence."""
        self._is_reading = True
        try:
            return await more()
        except asyncio.CancelledError:
            if self.failure is not None or self._settle() > 0:
                raise
            return None
        finally:
            self._is_reading = False

    def _set_timers(self, first_byte_at: float, answer_at: float, receive: Receive) -> None:
        if not self._has_begun:
            self._timers["first_byte"] = self._loop.call_at(first_byte_at, self.end, BACKEND_TIMEOUT)
        self._timers["answer"] = self._loop.call_at(answer_at, self.end, ANSWER_TIMEOUT)
        self._watch(receive)

    def _look(self) -> None:
        left = self._spoke_at + self._keep_alive_after - self._loop.time()
        # The answer waits for the client to read: a keep-alive would only add to the bytes in its way.
        if left <= 0 and self._is_reading and self.failure is None:
            self._interrupt()
        again = left if left > 0 else self._keep_alive_after
        self._timers["silence"] = self._loop.call_later(again, self._look)

    def _watch(self, receive: Receive) -> None:
        self._watcher = self._loop.create_task(self._wait_for_leaving(receive))

    async def _wait_for_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end(READER_GONE)

    def _interrupt(self) -> None:
        if self._task is not None:
            self._interrupts += 1
            self._task.cancel()

    def _settle(self) -> int:
        """Take back our own cancellations; returns the number of others' that are pending."""
        task = asyncio.current_task()
        if task is None:
            return 0
        for _ in range(self._interrupts):
            task.uncancel()
        self._interrupts = 0
        return task.cancelling()


class RunningAnswers:
    """The running answers of this process, by reader."""

    def __init__(self, keep_alive_after: float = KEEP_ALIVE_AFTER) -> None:
        self._keep_alive_after = keep_alive_after
        self._by_sub: dict[str, set[RunningAnswer]] = {}
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def entered(self, caller: Caller) -> Iterator[RunningAnswer]:
        """Register an answer before its admission is asked for, so that no revocation falls between the
        two."""
        running = RunningAnswer(caller, self._keep_alive_after)
        self._by_sub.setdefault(caller.sub, set()).add(running)
        self._count += 1
        self._idle.clear()
        try:
            yield running
        finally:
            of_reader = self._by_sub[caller.sub]
            of_reader.discard(running)
            if not of_reader:
                del self._by_sub[caller.sub]
            self._count -= 1
            if self._count == 0:
                self._idle.set()

    @property
    def count(self) -> int:
        return self._count

    def all(self) -> list[RunningAnswer]:
        return [running for of_reader in self._by_sub.values() for running in of_reader]

    def end_of(self, sub: str, ended: str, failure: Failure) -> None:
        """End a reader's answers of the session or token that `ended` names, or all for `*`
        (tokens.liveness).

        Answers of tokens that were narrowed down from that token end with it."""
        for running in list(self._by_sub.get(sub, ())):
            jti = running.caller.jti
            if ended in ("*", running.caller.sid, f"{BY_JTI}{jti}", f"{BY_JTI}{root_of(jti)}"):
                running.end(failure)

    def end_all(self, failure: Failure) -> None:
        for running in self.all():
            running.end(failure)

    async def wait_idle(self) -> None:
        await self._idle.wait()
