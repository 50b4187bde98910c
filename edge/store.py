"""One Redis client for both services: bounded, never repeating a write, many commands to a flight.

All flights of one event-loop turn leave as one pipeline on a held connection, a "lane". A redis-py call
of its own costs 66 to 125 µs of CPU, a command in a shared pipeline about 30 (docs/decisions/0001).
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.connection import Connection as TCPConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

DEADLINE = 0.2
"""Seconds for one flight, waiting for its lane and connecting included: an outage is answered in 300 ms."""
LATE = 0.05
"""Seconds by which a deadline may fire late before the event loop itself is taken to have been held up."""
BREAK = 0.25
"""Seconds for which a lane refuses at once after a failure, before it tries the server again."""
LANES = 2
ACKNOWLEDGED_WITHIN_MS = 150
"""For the replicas' acknowledgement of a write; a flight with it still ends by DEADLINE."""
MAX_WAITING = 2000
"""Flights that may wait for a lane; beyond it they are refused, as memory and patience are bounded."""

Argument = str | bytes | int


class StoreUnavailable(Exception):
    """Redis refused, was silent, slow, read-only or full. Nothing may be allowed because of it."""


class ScriptError(Exception):
    """A script of ours failed on the server: a defect, not an outage."""


@dataclass(frozen=True, slots=True)
class Script:
    """Lua source with its SHA-1, the name by which EVALSHA knows it."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())

    def call(self, keys: Sequence[str], *args: Argument) -> "Command":
        return Command(("EVALSHA", self.sha, len(keys), *keys, *args), self)


@dataclass(frozen=True, slots=True)
class Command:
    words: tuple[Argument, ...]
    script: Script | None = None


def command(*words: Argument) -> Command:
    return Command(words)


@dataclass(slots=True)
class _Flight:
    commands: Sequence[Command]
    landed: asyncio.Future[list[Any]]
    due: float


class Lane:
    """One connection and the flights that wait for it. After an error the connection is dropped."""

    def __init__(self, connect: Callable[[], AbstractConnection], clock: Callable[[], float]) -> None:
        self._connect = connect
        self._clock = clock
        self._connection: AbstractConnection | None = None
        self._waiting: list[_Flight] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._broken_until = 0.0

    async def fly(self, commands: Sequence[Command]) -> list[Any]:
        if self._clock() < self._broken_until or len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable("the store is not answering")
        loop = asyncio.get_running_loop()
        flight = _Flight(commands, loop.create_future(), loop.time() + DEADLINE)
        self._waiting.append(flight)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await flight.landed

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._fail((), "the store was closed")

    async def _drain(self) -> None:
        while self._waiting:
            flights, self._waiting = self._waiting, []
            try:
                # The first has waited longest; what it has left is what all may take.
                async with asyncio.timeout(None) as limit:
                    self._expire_at(flights[0].due, limit)
                    replies = await self._exchange([one for flight in flights for one in flight.commands])
            except (RedisError, OSError, TimeoutError) as error:
                await self._fail(flights, type(error).__name__)
                continue
            except BaseException as error:
                # Even a defect answers those who wait; left alone, they would wait for ever.
                await self._fail(flights, type(error).__name__)
                raise
            finally:
                if self._timer is not None:
                    self._timer.cancel()
            _land(flights, replies)

    def _expire_at(self, due: float, limit: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()

        def expire(planned: float) -> None:
            now = loop.time()
            if now - planned > LATE:
                # The loop was held up, and not the server: what came meanwhile is there, but unread.
                self._timer = loop.call_at(now + LATE, expire, now + LATE)
            else:
                limit.reschedule(now)

        self._timer = loop.call_at(due, expire, due)

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect()
            await connection.connect()  # type: ignore[no-untyped-call]
        replies = await _pipeline(connection, [one.words for one in commands])
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # A script that the server does not know has not run, so sending it again repeats nothing.
            sources = {script.source for at in unknown if (script := commands[at].script)}
            await _pipeline(connection, [("SCRIPT", "LOAD", source) for source in sources])
            again = await _pipeline(connection, [commands[at].words for at in unknown])
            for at, reply in zip(unknown, again, strict=True):
                replies[at] = reply
        return replies

    async def _fail(self, flights: Sequence[_Flight], reason: str) -> None:
        self._broken_until = self._clock() + BREAK
        waiting, self._waiting = self._waiting, []
        for flight in (*flights, *waiting):
            if not flight.landed.done():
                flight.landed.set_exception(StoreUnavailable(reason))
        await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


class Store:
    """A single Redis or Valkey server by URL: `redis://`, `rediss://` or `unix://`.

    `replicas` must acknowledge what `commit` writes.
    """

    def __init__(self, url: str, clock: Callable[[], float], *, replicas: int = 0) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        kind: type[AbstractConnection] = options.pop("connection_class", TCPConnection)
        options |= {
            # The lane's own deadline covers the whole flight; the library's would each start anew.
            "socket_timeout": None,
            "socket_connect_timeout": None,
            "retry": Retry(NoBackoff(), 0),
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        }
        self._lanes = [Lane(lambda: kind(**options), clock) for _ in range(LANES)]
        self._turn = 0
        self._replicas = replicas

    async def run(self, *commands: Command) -> list[Any]:
        """The replies of one flight, in the order of its commands. What one command needs of another's effect
        goes into a script or a second flight: a script that is loaded first runs after its neighbours.

        Raises StoreUnavailable; ScriptError for a defect of ours.
        """
        self._turn = (self._turn + 1) % LANES
        replies = await self._lanes[self._turn].fly(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise _judged(reply)
        return replies

    async def commit(self, *commands: Command) -> list[Any]:
        """As `run`, and the replicas have the write.

        StoreUnavailable says nothing of whether it was made: without acknowledgement it stands at the master.
        """
        if self._replicas == 0:
            return await self.run(*commands)
        # On the same connection, as WAIT speaks of the writes of its own connection only.
        *replies, acknowledged = await self.run(
            *commands, command("WAIT", self._replicas, ACKNOWLEDGED_WITHIN_MS)
        )
        if acknowledged < self._replicas:
            raise StoreUnavailable("too few replicas acknowledged a write")
        return replies

    async def close(self) -> None:
        for lane in self._lanes:
            await lane.close()


async def _pipeline(connection: AbstractConnection, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
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


# What Redis 7 and Valkey 9 begin with when the script itself is at fault. Trouble of the server's own, such
# as OOM and READONLY, names the script too, but at its end.
_DEFECTS = ("user_script:", "WRONGTYPE ", "Error compiling script", "Unknown command")


def _judged(reply: Exception) -> Exception:
    """An error reply as ours: a defect when it can be nothing else, and otherwise a server in trouble."""
    if isinstance(reply, ResponseError) and str(reply).startswith(_DEFECTS):
        return ScriptError("a script failed")
    return StoreUnavailable(type(reply).__name__)
