"""A pipeline: one connection that is kept open, on which the flights of one event-loop turn leave together.

A redis-py call of its own costs 66 to 125 µs of CPU, a command in a shared pipeline about 30
(docs/decisions/0001).
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from edge.redis.commands import DEADLINE, TRACE, Command, StoreUnavailable
from edge.redis.connection import Connection
from edge.redis.deadlines import Deadline

BREAK = 0.25
"""Seconds for which a pipeline refuses at once after a failure, before it tries the server again."""
HELD_UP_AFTER = 0.002
"""Seconds after which a flight that has not landed holds up those that wait for it."""
MAX_WAITING = 2000
"""Flights that may wait for a pipeline; further ones are refused, to bound memory and waiting."""

Connect = Callable[[], Awaitable[Connection]]


@dataclass(slots=True)
class _Flight:
    commands: Sequence[Command]
    landed: asyncio.Future[list[Any]]
    due: float


class Pipeline:
    """One connection and the flights that wait for it. After an error the connection is dropped."""

    def __init__(self, connect: Connect, clock: Callable[[], float], *, deadline: float = DEADLINE) -> None:
        self._connect = connect
        self._clock = clock
        self._deadline = deadline
        self._connection: Connection | None = None
        self._is_retired = False
        self._is_closed = False
        self._waiting: list[_Flight] = []
        self._task: asyncio.Task[None] | None = None
        self._broken_until = 0.0
        self._left_at = math.inf

    async def fly(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them, in the order of the commands. Raises StoreUnavailable."""
        if self._is_closed:
            raise StoreUnavailable("the store was closed")
        if self.is_broken or len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable("the store is not answering")
        loop = asyncio.get_running_loop()
        flight = _Flight(commands, loop.create_future(), loop.time() + self._deadline)
        self._waiting.append(flight)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await flight.landed

    def retire(self) -> None:
        """Drop the connection, once the flight that is on it has landed."""
        if self._connection is not None:
            self._is_retired = True
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._drain())

    @property
    def is_broken(self) -> bool:
        """Return True if it failed a moment ago and still refuses at once."""
        return self._clock() < self._broken_until

    @property
    def is_prompt(self) -> bool:
        """Return True if a further flight would leave soon."""
        now = self._clock()
        is_late = now - self._left_at > HELD_UP_AFTER
        return not (is_late or now < self._broken_until or len(self._waiting) >= MAX_WAITING)

    @property
    def backlog(self) -> tuple[bool, int]:
        """Orders the pipelines that are not prompt: a flight takes the one with the lowest value."""
        return self.is_broken, len(self._waiting)

    @property
    def is_idle(self) -> bool:
        return self._connection is None and (self._task is None or self._task.done())

    async def close(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._fail((), "the store was closed")

    async def _drain(self) -> None:
        while self._waiting or self._is_retired:
            if self._is_retired:
                await self._drop()
                continue
            flights, self._waiting = self._waiting, []
            self._left_at = self._clock()
            try:
                # The first has waited longest; the time that it has left is the limit for all.
                with Deadline(flights[0].due):
                    replies = await self._exchange([one for flight in flights for one in flight.commands])
            except (RedisError, OSError, TimeoutError) as error:
                await self._fail(flights, type(error).__name__)
                continue
            except BaseException as error:
                # Even a defect must answer the flights that wait, or they would wait for ever.
                await self._fail(flights, type(error).__name__)
                raise
            finally:
                self._left_at = math.inf
            _land(flights, replies)

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = await self._connected()
        # Each WAIT takes a round trip to the replicas, or all of its time, and the last one covers every
        # write before it.
        *early, last = [at for at, one in enumerate(commands) if one.words[0] == "WAIT"] or [-1]
        if early:
            kept = [one for at, one in enumerate(commands) if at not in early]
            found = iter(await self._exchange(kept))
            replies = [None if at in early else next(found) for at in range(len(commands))]
            return [replies[last] if at in early else reply for at, reply in enumerate(replies)]
        replies = await connection.exchange([one.words for one in commands])
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # A script that the server does not know has not run, so sending it again repeats nothing.
            sources = {script.source for at in unknown if (script := commands[at].script)}
            await connection.exchange([("SCRIPT", "LOAD", source) for source in sources])
            # The earlier TRACE and WAIT do not cover a script that runs late: both are sent again.
            traces = (at for at in range(unknown[0], len(commands)) if commands[at].script is TRACE)
            again = sorted({*unknown, *traces, *([last] if last > unknown[0] else [])})
            for at, reply in zip(
                again, await connection.exchange([commands[at].words for at in again]), strict=True
            ):
                replies[at] = reply
        return replies

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.is_usable:
            # The server restarted, or closed an idle connection.
            await self._drop()
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    async def _fail(self, flights: Sequence[_Flight], reason: str) -> None:
        self._broken_until = self._clock() + BREAK
        waiting, self._waiting = self._waiting, []
        for flight in (*flights, *waiting):
            if not flight.landed.done():
                flight.landed.set_exception(StoreUnavailable(reason))
        await self._drop()

    async def _drop(self) -> None:
        self._is_retired = False
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _land(flights: Sequence[_Flight], replies: list[Any]) -> None:
    start = 0
    for flight in flights:
        end = start + len(flight.commands)
        if not flight.landed.done():
            flight.landed.set_result(replies[start:end])
        start = end
