"""A lane: one held connection, on which all flights of one event-loop turn leave as one pipeline.

A redis-py call of its own costs 66 to 125 µs of CPU, a command in a shared pipeline about 30
(docs/decisions/0001).
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection, SSLConnection, parse_url
from redis.asyncio.connection import Connection as TCPConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from edge.commands import TRACE, Argument, Command, StoreUnavailable
from edge.deadlines import Deadline

DEADLINE = 0.2
"""Seconds for one flight, waiting for its lane and connecting included: an outage is answered in 300 ms."""
BREAK = 0.25
"""Seconds for which a lane refuses at once after a failure, before it tries the server again."""
MAX_WAITING = 2000
"""Flights that may wait for a lane; beyond it they are refused, as memory and patience are bounded."""
TRUSTED_FOR = 60
"""Seconds for which the files of certificates that were read are good: they are renewed while we run."""

Connect = Callable[[], Awaitable[AbstractConnection]]


async def connect(url: str) -> AbstractConnection:
    """A connection to one server, `redis://`, `rediss://` or `unix://`. Whoever awaits it sets the limit."""
    options: dict[str, Any] = dict(parse_url(url))
    kind: type[AbstractConnection] = options.pop("connection_class", TCPConnection)
    options |= {
        # The lane's own deadline covers the whole flight; the library's would each start anew.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    connection = kind(**options)
    if isinstance(connection, SSLConnection):
        chosen = tuple((name, value) for name, value in options.items() if name.startswith("ssl_"))
        connection.ssl_context.context = _trust(chosen, int(asyncio.get_running_loop().time() / TRUSTED_FOR))
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        # A deadline that passes in the middle of the greeting leaves an open socket.
        await connection.disconnect(nowait=True)
        raise
    return connection


@lru_cache(maxsize=8)
def _trust(options: tuple[tuple[str, Any], ...], _: int) -> ssl.SSLContext:
    """Takes 18 ms of the event loop, mostly for the system's authorities: one for each of a dozen connections
    that are made at once would be a flight's whole time."""
    return SSLConnection(**dict(options)).ssl_context.get()


@dataclass(slots=True)
class _Flight:
    commands: Sequence[Command]
    landed: asyncio.Future[list[Any]]
    due: float


class Lane:
    """One connection and the flights that wait for it. After an error the connection is dropped."""

    def __init__(self, connect: Connect, clock: Callable[[], float]) -> None:
        self._connect = connect
        self._clock = clock
        self._connection: AbstractConnection | None = None
        self._is_retired = False
        self._is_closed = False
        self._waiting: list[_Flight] = []
        self._task: asyncio.Task[None] | None = None
        self._broken_until = 0.0

    async def fly(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them, in the order of the commands. Raises StoreUnavailable."""
        if self._is_closed:
            raise StoreUnavailable("the store was closed")
        if self.is_broken or len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable("the store is not answering")
        loop = asyncio.get_running_loop()
        flight = _Flight(commands, loop.create_future(), loop.time() + DEADLINE)
        self._waiting.append(flight)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await flight.landed

    def retire(self) -> None:
        """Let go of the connection, once the flight that is on it has landed."""
        if self._connection is not None:
            self._is_retired = True
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._drain())

    @property
    def is_broken(self) -> bool:
        """It failed a moment ago, and refuses at once."""
        return self._clock() < self._broken_until

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
            try:
                # The first has waited longest; what it has left is what all may take.
                async with Deadline(flights[0].due):
                    replies = await self._exchange([one for flight in flights for one in flight.commands])
            except (RedisError, OSError, TimeoutError) as error:
                await self._fail(flights, type(error).__name__)
                continue
            except BaseException as error:
                # Even a defect answers those who wait; left alone, they would wait for ever.
                await self._fail(flights, type(error).__name__)
                raise
            _land(flights, replies)

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = await self._connected()
        replies: list[Any] = [None] * len(commands)

        async def ask(places: Sequence[int]) -> None:
            found = await pipeline(connection, [commands[at].words for at in places])
            for at, reply in zip(places, found, strict=True):
                replies[at] = reply

        # Each WAIT takes a way to the replicas and back, or all of its time, and the last one speaks for all
        # that was written before it.
        *early, last = [at for at, one in enumerate(commands) if one.words[0] == "WAIT"] or [-1]
        skipped = set(early)
        await ask([at for at in range(len(commands)) if at not in skipped])
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # A script that the server does not know has not run, so sending it again repeats nothing.
            sources = {script.source for at in unknown if (script := commands[at].script)}
            await pipeline(connection, [("SCRIPT", "LOAD", source) for source in sources])
            # What runs late has left no trace, nor has WAIT waited for it.
            traces = (at for at in range(unknown[0], len(commands)) if commands[at].script is TRACE)
            await ask(sorted({*unknown, *traces, *([last] if last > unknown[0] else [])}))
        for at in early:
            replies[at] = replies[last]
        return replies

    async def _connected(self) -> AbstractConnection:
        if self._connection is not None and await self._connection.can_read():
            # Nothing was asked, so what is there is the end: the server restarted, or closed what was idle.
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
            await connection.disconnect(nowait=True)


async def pipeline(connection: AbstractConnection, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
    """The replies, errors among them; whoever awaits it sets the limit."""
    # By hiredis itself, as redis-py's asyncio connections pack in Python, at eight times the cost. Its stub
    # has a tuple of one word for one of any length.
    packed = b"".join([pack_command(words) for words in commands])  # type: ignore[arg-type]
    await connection.send_packed_command(packed, check_health=False)
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(await connection.read_response(disconnect_on_error=False))
        except ResponseError as error:
            replies.append(error)
    return replies


def _land(flights: Sequence[_Flight], replies: list[Any]) -> None:
    start = 0
    for flight in flights:
        end = start + len(flight.commands)
        if not flight.landed.done():
            flight.landed.set_result(replies[start:end])
        start = end
