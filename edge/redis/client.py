"""One Redis client for both services: bounded in time, never repeating a write, many commands to a flight.

edge/redis/pipelines.py sends the flights, and edge/redis/topologies finds their servers (docs/decisions/0001
and 0012).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from redis.exceptions import ReadOnlyError, ResponseError

from edge.redis.commands import DEADLINE, TRACE, Command, Script, ScriptError, StoreUnavailable, command
from edge.redis.connection import connect
from edge.redis.topologies import addresses, slots
from edge.redis.topologies.addresses import OfCluster, OfSentinels
from edge.redis.topologies.cluster import Cluster
from edge.redis.topologies.sentinel import Sentinel
from edge.redis.topologies.server import Server

__all__ = ["Command", "Script", "ScriptError", "Store", "StoreUnavailable", "command"]


class Topology(Protocol):
    """Every method that is awaited raises StoreUnavailable, and takes no longer than a flight."""

    def fly(self, commands: Sequence[Command]) -> Awaitable[list[Any]]:
        """The replies, errors among them, in the order of the commands."""

    def commit(self, commands: Sequence[Command], replicas: int) -> Awaitable[tuple[list[Any], int]]:
        """As `fly`, with the count of replicas that acknowledged: the lowest, if several masters wrote."""

    def doubt(self) -> None:
        """The master may have moved: connect anew, unless the connections were just renewed."""

    async def heard_at(self) -> str: ...

    def is_heard_at(self, url: str) -> bool: ...

    async def close(self) -> None: ...


class Store:
    """Redis or Valkey by URL: one server, Sentinel or Cluster, as edge.redis.topologies.addresses reads it.

    `replicas` of its master must acknowledge the writes of `commit`. `clock` is monotonic seconds, `deadline`
    the seconds that a flight may take. Connects to no server before the first flight.
    """

    def __init__(
        self, url: str, clock: Callable[[], float], *, replicas: int = 0, deadline: float = DEADLINE
    ) -> None:
        self._topology = _opened(url, clock, deadline)
        self._replicas = replicas

    @property
    def is_cluster(self) -> bool:
        """Return True if all keys of one script must have one hash tag."""
        return isinstance(self._topology, Cluster)

    async def run(self, *commands: Command) -> list[Any]:
        """The replies of one flight, in the order of its commands. A command that needs the effect of another
        belongs with it in a script, or in a second flight: a script that must be loaded first runs after its
        neighbours, and in a Cluster each master runs its part alone.

        Raises StoreUnavailable; ScriptError for a defect of ours. An error that answers a command that may
        fail is among the replies.
        """
        replies = await self._topology.fly(commands)
        for at, reply in enumerate(replies):
            if isinstance(reply, Exception) and not commands[at].may_fail:
                raise self._judged(reply)
        return replies

    async def commit(self, *commands: Command) -> list[Any]:
        """As `run`, but replicas acknowledge the write first, also one that a script found already made.

        StoreUnavailable leaves open whether the write was made: one without acknowledgement stands at the
        master.
        """
        if self._replicas == 0:
            return await self.run(*commands)
        keys = dict.fromkeys(slots.key_of(one) for one in commands if one.script is not None)
        traces = [TRACE.call([key]) for key in keys if key is not None]
        replies, acknowledged = await self._topology.commit((*commands, *traces), self._replicas)
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._judged(reply)
        if acknowledged < self._replicas:
            raise StoreUnavailable("too few replicas acknowledged a write")
        return replies[: len(commands)]

    async def heard_at(self) -> str:
        """URL of a server that at present delivers every published message. Raises StoreUnavailable."""
        return await self._topology.heard_at()

    def is_heard_at(self, url: str) -> bool:
        """Return True if, as far as this client knows, that server still does."""
        return self._topology.is_heard_at(url)

    async def close(self) -> None:
        await self._topology.close()

    def _judged(self, reply: Exception) -> Exception:
        """Our error for an error reply: a defect if it can be no outage, and otherwise a failing server."""
        if isinstance(reply, ResponseError) and str(reply).startswith(_DEFECTS):
            return ScriptError("a script failed")
        if isinstance(reply, ReadOnlyError) or str(reply).startswith(_DEPOSED):
            # The same host name may lead to another server by now, which is the master.
            self._topology.doubt()
        return StoreUnavailable(type(reply).__name__)


def _opened(url: str, clock: Callable[[], float], deadline: float) -> Topology:
    servers = addresses.parse(url)
    match servers:
        case OfSentinels():
            return Sentinel(servers, clock, deadline=deadline)
        case OfCluster():
            return Cluster(servers, clock, deadline=deadline)
    return Server(servers, partial(connect, servers), clock, deadline=deadline)


# Error replies of Redis 7 and Valkey 9 begin so when the script itself is at fault. A failure of the server,
# such as OOM and READONLY, names the script too, but at its end.
_DEFECTS = ("user_script:", "WRONGTYPE ", "Error compiling script", "Unknown command")
# A master without its replicas may have been replaced by another one.
_DEPOSED = ("NOREPLICAS ",)
