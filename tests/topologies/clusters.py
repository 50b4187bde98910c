"""A Cluster of three masters, with replicas for those that a test names."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis
from redis.crc import key_slot

from tests.ports import free_ports
from tests.topologies.nodes import (
    HOST,
    PLAIN,
    REPLICATED,
    VALKEY,
    Node,
    Program,
    eventually,
    folder,
    online,
    running,
)
from tests.topologies.together import Together

CLUSTERED = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
CLUSTERED += ["--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0"]
SLOTS = 16384


@dataclass
class Clustered(Together):
    """Three masters, each of a third of the slots; unless said otherwise the first alone has no replica."""

    servers: list[Node]
    pipelines = 1

    @property
    def replicas(self) -> int:
        return len(self.servers) // 3 - 1

    @property
    def url(self) -> str:
        program = self.servers[0].program
        hosts = ",".join(one.address for one in self.servers[:3])
        return f"{program.scheme}+cluster://{program.user}{hosts}{program.query}"

    def masters(self) -> list[Node]:
        return [one for one in self.servers if one.ask("ROLE")[0] == "master"]

    def nodes(self) -> list[Node]:
        return self.servers

    def successor(self, victim: Node) -> Node | None:
        """The master since `victim` was, or None, as one sees it that is itself none of the two."""
        at = self.servers.index(victim)
        other = self.servers[(at + 1) % 3]
        for first, _, (host, port, *_), *_ in other.ask("CLUSTER", "SLOTS"):
            if first == SLOTS * at // 3 and (host, port) != (victim.host, victim.port):
                return next(one for one in self.servers if (one.host, one.port) == (host, port))
        return None

    def client(self) -> redis.RedisCluster:
        return redis.RedisCluster(self.servers[0].host, self.servers[0].port, decode_responses=True)

    def key(self, at: int, name: str = "k") -> str:
        """A key that belonged to the master `at` when the Cluster was formed."""
        tags = (f"{name}{number}" for number in itertools.count())
        return next(tag for tag in tags if key_slot(tag.encode()) * 3 // SLOTS == at)


@contextlib.contextmanager
def clustered(
    followed: Sequence[int] = (1, 2), hosts: Sequence[str] = (HOST,) * 6, program: Program = VALKEY
) -> Iterator[Clustered]:
    """Three masters, and a replica for each of those `followed`."""
    count = 3 + len(followed)
    with folder() as path:
        both = free_ports(2 * count)
        ports, buses = both[:count], both[count:]
        nodes = [
            Node(
                path / str(at),
                ports[at],
                [*PLAIN, *REPLICATED, *CLUSTERED, "--cluster-port", str(buses[at])],
                hosts[at],
                program=program,
            )
            for at in range(count)
        ]
        with running(nodes):
            _form(nodes, buses, followed)
            yield Clustered(nodes)


def _form(nodes: Sequence[Node], buses: Sequence[int], followed: Sequence[int]) -> None:
    for at, master in enumerate(nodes[:3]):
        first, end = SLOTS * at // 3, SLOTS * (at + 1) // 3
        master.ask("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
    for at, node in enumerate(nodes):
        # Epochs that differ from the start, instead of being told apart by collisions.
        node.ask("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
        if at:
            nodes[0].ask("CLUSTER", "MEET", node.host, node.port, buses[at])
    eventually(lambda: all(_knows(node, len(nodes)) for node in nodes))
    for replica, at in zip(nodes[3:], followed, strict=True):
        replica.ask("CLUSTER", "REPLICATE", nodes[at].ask("CLUSTER", "MYID"))
    eventually(lambda: all(len(online(nodes[at])) == 1 for at in followed))
    eventually(lambda: all(_is_well(node, 3 + len(followed)) for node in nodes))


def _knows(node: Node, count: int) -> bool:
    known = node.ask("CLUSTER", "NODES").splitlines()
    return len(known) == count and not any("handshake" in one for one in known)


def _is_well(node: Node, count: int) -> bool:
    spread = sum(len(nodes) for _, _, *nodes in node.ask("CLUSTER", "SLOTS"))
    return "cluster_state:ok" in node.ask("CLUSTER", "INFO") and spread == count
