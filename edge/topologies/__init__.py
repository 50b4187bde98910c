"""Where flights go: one file for each way in which servers stand together."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from edge.commands import Command
from edge.lanes import connect
from edge.topologies import addresses
from edge.topologies.addresses import OfCluster, OfSentinels
from edge.topologies.cluster import Cluster
from edge.topologies.sentinel import Sentinel
from edge.topologies.server import Server


class Topology(Protocol):
    """Every verb that is awaited raises StoreUnavailable, and takes no longer than a flight."""

    def fly(self, commands: Sequence[Command]) -> Awaitable[list[Any]]:
        """The replies, errors among them, in the order of the commands."""

    def commit(self, commands: Sequence[Command], replicas: int) -> Awaitable[tuple[list[Any], int]]:
        """As `fly`, and how many replicas acknowledged: the fewest, where more than one master wrote."""

    def renew(self) -> None:
        """Use no connection that is held for another flight: the master may have moved."""

    async def heard_at(self) -> str: ...

    def is_heard_at(self, url: str) -> bool: ...

    async def close(self) -> None: ...


def opened(url: str, clock: Callable[[], float]) -> Topology:
    """Connects to nothing yet. `clock` is monotonic seconds. Raises ValueError for a URL that is none."""
    servers = addresses.parse(url)
    match servers:
        case OfSentinels():
            return Sentinel(servers, clock)
        case OfCluster():
            return Cluster(servers, clock)
    return Server(servers, partial(connect, servers), clock)
