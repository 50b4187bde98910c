"""A master with two replicas, and three sentinels that watch it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

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

MASTER = "readers"
DOWN_AFTER_MS = 500


@dataclass
class Watched(Together):
    """A master with two replicas, and three sentinels."""

    servers: list[Node]
    sentinels: list[Node]

    @property
    def replicas(self) -> int:
        return 2

    @property
    def url(self) -> str:
        program = self.servers[0].program
        hosts = ",".join(one.address for one in self.sentinels)
        query = program.query + program.sentinel_query
        return f"{program.scheme}+sentinel://{program.user}{hosts}/{MASTER}{query}"

    def masters(self) -> list[Node]:
        return [self.master()]

    def nodes(self) -> list[Node]:
        return [*self.servers, *self.sentinels]

    def client(self) -> redis.Redis:
        return self.master().client()

    def master(self) -> Node:
        host, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return next(one for one in self.servers if (one.host, one.port) == (host, int(port)))

    def successor(self, victim: Node) -> Node | None:
        """The master since `victim` was, or None."""
        master = self.master()
        return None if master is victim else master

    def is_whole(self) -> bool:
        """Both replicas follow the master, and every sentinel knows them and the other sentinels."""
        with contextlib.suppress(redis.RedisError, StopIteration):
            with self.master().client() as client:
                state = client.info("replication")
            if state["role"] != "master" or state["connected_slaves"] != len(self.servers) - 1:
                return False
            for sentinel in self.sentinels:
                with sentinel.client() as client:
                    known = client.sentinel_master(MASTER)
                if (known["num-slaves"], known["num-other-sentinels"], known["is_odown"]) != (2, 2, False):
                    return False
            return True
        return False


@contextlib.contextmanager
def watched(hosts: Sequence[str] = (HOST,) * 6, program: Program = VALKEY) -> Iterator[Watched]:
    """`hosts` of the three servers and the three sentinels."""
    with folder() as path:
        ports = free_ports(6)
        servers = [
            Node(path / str(at), ports[at], [*PLAIN, *REPLICATED], hosts[at], program=program)
            for at in range(3)
        ]
        for replica in servers[1:]:
            replica.options = [*replica.options, "--replicaof", servers[0].host, str(servers[0].port)]
        sentinels = [
            _sentinel(path / str(at), [(hosts[at], ports[at]), *_others(at, hosts, ports)], servers, program)
            for at in (3, 4, 5)
        ]
        together = Watched(servers, sentinels)
        with running(servers):
            # A sentinel that starts earlier learns of the replicas only ten seconds later.
            eventually(lambda: len(online(servers[0])) == 2)
            with running(sentinels):
                eventually(together.is_whole)
                with servers[0].client() as client:
                    client.set("first", "")
                    # A replica acknowledges nothing in the second after it has copied its master.
                    eventually(lambda: client.wait(2, 100) == 2)
                    client.delete("first")
                yield together


def _others(at: int, hosts: Sequence[str], ports: Sequence[int]) -> list[tuple[str, int]]:
    return [(hosts[other], ports[other]) for other in (3, 4, 5) if other != at]


def _sentinel(
    path: Path, addresses: Sequence[tuple[str, int]], servers: Sequence[Node], program: Program
) -> Node:
    """The sentinel of the first of the `addresses` of all three."""
    path.mkdir()
    (host, port), *others = addresses
    master, *replicas = servers
    lines = [
        f"sentinel myid {port:040x}",
        f"sentinel monitor {MASTER} {master.host} {master.port} 2",
        # They would hear of one another in two seconds.
        *(f"sentinel known-replica {MASTER} {one.host} {one.port}" for one in replicas),
        *(f"sentinel known-sentinel {MASTER} {one} {its_port} {its_port:040x}" for one, its_port in others),
        f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {MASTER} 2000",
        f"sentinel parallel-syncs {MASTER} 2",
        *program.sentinel,
    ]
    (path / "sentinel.conf").write_text("\n".join(lines) + "\n")
    return Node(path, port, [str(path / "sentinel.conf"), "--sentinel"], host, program=program)
