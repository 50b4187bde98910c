"""One Redis client for both services: bounded, never repeating a write, many commands to a flight.

How flights travel is in edge/lanes.py, and where to in edge/topologies (docs/decisions/0001 and 0010).
"""

from collections.abc import Callable
from typing import Any

from redis.exceptions import ReadOnlyError, ResponseError

from edge import topologies
from edge.commands import Command, Script, ScriptError, StoreUnavailable, command

__all__ = ["Command", "Script", "ScriptError", "Store", "StoreUnavailable", "command"]


class Store:
    """Redis or Valkey by URL: one server, Sentinel or Cluster, as edge/topologies/addresses.py reads it.

    `replicas` of its master must acknowledge what `commit` writes.
    """

    def __init__(self, url: str, clock: Callable[[], float], *, replicas: int = 0) -> None:
        self._topology = topologies.opened(url, clock)
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
        """As `run`, and the replicas have the write.

        StoreUnavailable says nothing of whether it was made: without acknowledgement it stands at the master.
        """
        if self._replicas == 0:
            return await self.run(*commands)
        replies, acknowledged = await self._topology.commit(commands, self._replicas)
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._judged(reply)
        if acknowledged < self._replicas:
            raise StoreUnavailable("too few replicas acknowledged a write")
        return replies

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
            self._topology.renew()
        return StoreUnavailable(type(reply).__name__)


# What Redis 7 and Valkey 9 begin with when the script itself is at fault. Trouble of the server's own, such
# as OOM and READONLY, names the script too, but at its end.
_DEFECTS = ("user_script:", "WRONGTYPE ", "Error compiling script", "Unknown command")
# A master without its replicas may be one that a new master was chosen behind.
_DEPOSED = ("NOREPLICAS ",)
