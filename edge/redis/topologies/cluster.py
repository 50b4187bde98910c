"""A Cluster: a flight is split by the masters of its keys, and the parts travel at the same time."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog
from redis.exceptions import AskError, ClusterDownError, MovedError

from edge.redis.commands import Command, StoreUnavailable, command
from edge.redis.connection import connect
from edge.redis.deadlines import Deadline
from edge.redis.pipelines import Pipeline
from edge.redis.topologies import slots
from edge.redis.topologies.addresses import OfCluster
from edge.redis.topologies.server import Server
from edge.redis.topologies.slots import SlotMap
from edge.redis.topologies.survey import Newest, survey
from edge.telemetry import logs

LOOK_AGAIN_AFTER: Final = 0.1
"""Seconds between two looks at the map: a Cluster in trouble is not queried at every flight that fails."""
ASKED: Final = 8
"""The most nodes that one look queries."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Part:
    """The commands for one master, and their places in the flight; None for one that prepares another."""

    commands: list[Command] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)
    keyed: list[int] = field(default_factory=list)

    def add(self, one: Command, place: int | None, *, is_keyed: bool) -> None:
        self.commands.append(one)
        self.places.append(place)
        if is_keyed and place is not None:
            self.keyed.append(place)

    def has_run(self, replies: Sequence[Any]) -> bool:
        """Return True if a command with a key ran, or there is none: then its acknowledgements count."""
        return not self.keyed or any(not isinstance(replies[place], AskError) for place in self.keyed)


class Cluster:
    """A command that may have run is never sent again. One that a node refused, because another node has the
    key, is sent to that node once."""

    def __init__(self, servers: OfCluster, clock: Callable[[], float], *, deadline: float) -> None:
        self._servers = servers
        self._clock = clock
        self._deadline = deadline
        self._seeds = {
            url: Pipeline(partial(connect, url), clock, deadline=deadline) for url in servers.seeds
        }
        self._nodes: dict[str, Server] = {}
        self._map: SlotMap | None = None
        self._newest = Newest(clock)
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")
        self._turn = 0

    async def fly(self, commands: Sequence[Command]) -> list[Any]:
        replies, _ = await self._fly(commands, 0)
        return replies

    async def commit(self, commands: Sequence[Command], replicas: int) -> tuple[list[Any], int]:
        return await self._fly(commands, replicas)

    def doubt(self) -> None:
        for node in self._nodes.values():
            node.doubt()
        self._look_soon()

    async def heard_at(self) -> str:
        """Any master delivers messages published at any other. Each call names the next, as one may be
        down."""
        # The map may be out of date: the last connection may have been lost because a node changed.
        self._look_soon()
        urls = sorted((await self._known()).urls())
        if not urls:
            raise StoreUnavailable("no node serves a slot")
        self._turn += 1
        return urls[self._turn % len(urls)]

    def is_heard_at(self, url: str) -> bool:
        return self._map is not None and url in self._map.urls()

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await asyncio.gather(
            *(node.close() for node in self._nodes.values()),
            *(pipeline.close() for pipeline in self._seeds.values()),
        )

    async def _fly(self, commands: Sequence[Command], replicas: int) -> tuple[list[Any], int]:
        due = asyncio.get_running_loop().time() + self._deadline
        if self._map is not None:
            return await self._fly_by(self._map, commands, replicas, due)
        with _by(due):
            return await self._fly_by(await self._known(), commands, replicas, due)

    async def _fly_by(
        self, known: SlotMap, commands: Sequence[Command], replicas: int, due: float
    ) -> tuple[list[Any], int]:
        replies: list[Any] = [None] * len(commands)
        parts = self._parted(commands, known)
        acknowledged = await self._send(parts, replies, replicas)
        if any(isinstance(reply, ClusterDownError) for reply in replies):
            # A node that lost its Cluster serves no client; its slots may have another master by now.
            self._look_soon()
        if any(isinstance(reply, AskError) for reply in replies):
            redirected = self._redirected(known, parts, replies)
            acknowledged = [
                count
                for count, part in zip(acknowledged, parts.values(), strict=True)
                if part.has_run(replies)
            ]
            with _by(due):
                acknowledged += await self._send(redirected, replies, replicas)
        return replies, min(acknowledged, default=replicas)

    def _parted(self, commands: Sequence[Command], known: SlotMap) -> dict[str, _Part]:
        parts: dict[str, _Part] = {}
        keyless: list[int] = []
        for place, one in enumerate(commands):
            slot = slots.slot_of(one)
            if slot is None:
                keyless.append(place)
            else:
                parts.setdefault(known.masters[slot], _Part()).add(one, place, is_keyed=True)
        if keyless:
            # They go to the master of the flight's first key, so that a message is sent after its write.
            beside = parts.setdefault(next(iter(parts or known.urls()), ""), _Part())
            for place in keyless:
                beside.add(commands[place], place, is_keyed=False)
        if "" in parts:
            self._look_soon()
            raise StoreUnavailable("no node serves a slot")
        return parts

    async def _send(self, parts: dict[str, _Part], replies: list[Any], replicas: int) -> list[int]:
        """Fill in the replies. Returns the acknowledgements of each part."""
        sent = (self._land(url, part, replies, replicas) for url, part in parts.items())
        # Wait for every part: none may stay under way because another failed.
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        acknowledged: list[int] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self._look_soon()
                raise outcome
            acknowledged.append(outcome)
        return acknowledged

    async def _land(self, url: str, part: _Part, replies: list[Any], replicas: int) -> int:
        node = self._nodes.get(url)
        if node is None:
            node = self._nodes[url] = Server(
                url, partial(connect, url), self._clock, pipelines=1, deadline=self._deadline
            )
        count = replicas
        if replicas and not all(map(slots.only_reads, part.commands)):
            found, count = await node.commit(part.commands, replicas)
        else:
            found = await node.fly(part.commands)
        for place, reply in zip(part.places, found, strict=True):
            if place is not None:
                replies[place] = reply
        return count

    def _redirected(self, known: SlotMap, parts: dict[str, _Part], replies: list[Any]) -> dict[str, _Part]:
        again: dict[str, _Part] = {}
        for url, part in parts.items():
            for place, one in zip(part.places, part.commands, strict=True):
                refusal = None if place is None else replies[place]
                if not isinstance(refusal, AskError):
                    continue
                other = self._servers.server.at(refusal.host or slots.host_of(url), refusal.port)
                to = again.setdefault(other, _Part())
                if isinstance(refusal, MovedError):
                    known.masters[refusal.slot_id] = other
                    self._look_soon()
                else:
                    if one.script is not None:
                        # ASKING covers the next command only, so the script is loaded first: a retry
                        # after NOSCRIPT would come without ASKING.
                        to.add(command("SCRIPT", "LOAD", one.script.source), None, is_keyed=False)
                    to.add(command("ASKING"), None, is_keyed=False)
                to.add(one, place, is_keyed=True)
        return again

    async def _known(self) -> SlotMap:
        if self._map is None:
            self._look_soon()
            if self._looking is not None:
                # `wait`, as a caller that is cancelled must not cancel the task for the others.
                await asyncio.wait([self._looking])
        if self._map is None:
            raise StoreUnavailable("no node knows the slots")
        return self._map

    def _look_soon(self) -> None:
        if self._looking is not None and not self._looking.done():
            return
        if self._clock() - self._looked_at >= LOOK_AGAIN_AFTER:
            self._looked_at = self._clock()
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        nodes = [(url, node.fly) for url, node in self._nodes.items()]
        seeds = [(url, pipeline.fly) for url, pipeline in self._seeds.items()]
        questions = [command("CLUSTER", "INFO"), command("CLUSTER", "SLOTS")]

        async def ask(url: str, fly: Callable[[Sequence[Command]], Any]) -> SlotMap:
            info, ranges = await fly(questions)
            if isinstance(info, Exception) or isinstance(ranges, Exception):
                raise StoreUnavailable("a node does not know the slots")
            return slots.read(url, info, ranges, self._servers.server)

        try:
            found = await survey(ask(*one) for one in (*seeds, *nodes)[:ASKED])
        except StoreUnavailable:
            return
        except Exception as error:
            # A defect ends this look only; the next one may succeed.
            _log.error("slots_failed", error=logs.where(error))
            return
        newest = max(found, key=lambda one: one.rank)
        if not self._newest.counts(newest.rank):
            return
        self._map = newest
        masters = self._map.urls()
        for url, node in self._nodes.items():
            if url not in masters:
                node.renew()
        self._nodes = {url: node for url, node in self._nodes.items() if url in masters or not node.is_idle}


@contextmanager
def _by(due: float) -> Iterator[None]:
    try:
        with Deadline(due):
            yield
    except TimeoutError:
        raise StoreUnavailable("TimeoutError") from None
