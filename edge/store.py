"""One Redis client for both services: bounded, never repeating a write, many commands to a flight.

How flights travel is in edge/lanes.py, and where to in edge/topologies (docs/decisions/0001 and 0012).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from redis.exceptions import ReadOnlyError, ResponseError

from edge.commands import TRACE, Command, Script, ScriptError, StoreUnavailable, command
from edge.lanes import connect
from edge.topologies import addresses, slots
from edge.topologies.addresses import OfCluster, OfSentinels
from edge.topologies.cluster import Cluster
from edge.topologies.sentinel import Sentinel
from edge.topologies.server import Server

__all__ = ["Command", "Script", "ScriptError", "Store", "StoreUnavailable", "command"]


class Topology(Protocol):
    """Every verb that is awaited raises StoreUnavailable, and takes no longer than a flight."""

    def fly(self, commands: Sequence[Command]) -> Awaitable[list[Any]]:
        """The replies, errors among them, in the order of the commands."""

    def commit(self, commands: Sequence[Command], replicas: int) -> Awaitable[tuple[list[Any], int]]:
        """As `fly`, and how many replicas acknowledged: the fewest, where more than one master wrote."""

    def doubt(self) -> None:
        """The master may have moved: make the connections anew, unless that was just done."""

    async def heard_at(self) -> str: ...

    def is_heard_at(self, url: str) -> bool: ...

    async def close(self) -> None: ...


class Store:
    """Redis or Valkey by URL: one server, Sentinel or Cluster, as edge/topologies/addresses.py reads it.

    `replicas` of its master must acknowledge what `commit` writes. `clock` is monotonic seconds. Connects to
    nothing before the first flight.
    """

    def __init__(self, url: str, clock: Callable[[], float], *, replicas: int = 0) -> None:
        self._topology = _opened(url, clock)
        self._replicas = replicas

    async def run(self, *commands: Command) -> list[Any]:
        """The replies of one flight, in the order of its commands. What one command needs of another's effect
        goes into a script or a second flight: a script that is loaded first runs after its neighbours, and in
        a Cluster each master runs its part alone.

        Raises StoreUnavailable; ScriptError for a defect of ours.
        """
        replies = await self._topology.fly(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._judged(reply)
        return replies

    async def commit(self, *commands: Command) -> list[Any]:
        """As `run`, and the replicas have the write, and what a script found written already.

        StoreUnavailable says nothing of whether it was made: without acknowledgement it stands at the master.
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
        """URL of a server where everything that is published is heard at present. Raises StoreUnavailable."""
        return await self._topology.heard_at()

    def is_heard_at(self, url: str) -> bool:
        """Whether it still is, as far as is known."""
        return self._topology.is_heard_at(url)

    async def close(self) -> None:
        await self._topology.close()

    def _judged(self, reply: Exception) -> Exception:
        """An error reply as ours: a defect when it can be nothing else, and otherwise a server in trouble."""
        if isinstance(reply, ResponseError) and str(reply).startswith(_DEFECTS):
            return ScriptError("a script failed")
        if isinstance(reply, ReadOnlyError) or str(reply).startswith(_DEPOSED):
            # Behind one name, too, another server may be the master by now.
            self._topology.doubt()
        return StoreUnavailable(type(reply).__name__)


def _opened(url: str, clock: Callable[[], float]) -> Topology:
    servers = addresses.parse(url)
    match servers:
        case OfSentinels():
            return Sentinel(servers, clock)
        case OfCluster():
            return Cluster(servers, clock)
    return Server(servers, partial(connect, servers), clock)


# What Redis 7 and Valkey 9 begin with when the script itself is at fault. Trouble of the server's own, such
# as OOM and READONLY, names the script too, but at its end.
_DEFECTS = ("user_script:", "WRONGTYPE ", "Error compiling script", "Unknown command")
# A master without its replicas may be one that a new master was chosen behind.
_DEPOSED = ("NOREPLICAS ",)
