"""One server alone."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import redis

from tests.ports import free_ports
from tests.topologies.nodes import PLAIN, VALKEY, Node, Program, folder, running
from tests.topologies.together import Together


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


@contextlib.contextmanager
def alone(program: Program = VALKEY) -> Iterator[Alone]:
    with folder() as path:
        [port] = free_ports(1)
        node = Node(path / "0", port, PLAIN, program=program)
        with running([node]):
            yield Alone(node)
