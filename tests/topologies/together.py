"""The interface that every form of servers has for a test."""

import abc

import redis

from tests.topologies.nodes import Node


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
