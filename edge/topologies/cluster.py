"""A Cluster: a flight is parted by the masters of its keys, and the parts travel at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog
from redis.exceptions import AskError, ClusterDownError, MovedError

from edge import logs
from edge.commands import Command, StoreUnavailable, command
from edge.deadlines import Deadline
from edge.lanes import DEADLINE, Lane, connect
from edge.topologies import slots
from edge.topologies.addresses import OfCluster
from edge.topologies.server import Server
from edge.topologies.slots import SlotMap
from edge.topologies.survey import Newest, survey

LOOK_AGAIN_AFTER: Final = 0.1
"""Seconds between two looks at the map: a Cluster in trouble is not asked at every flight that fails."""
ASKED: Final = 8
"""Nodes that one look asks at most."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Part:
    """What goes to one master, and each command's place in the flight; None for what leads up to another."""

    commands: list[Command] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)
    keyed: list[int] = field(default_factory=list)

    def add(self, one: Command, place: int | None, *, is_keyed: bool) -> None:
        self.commands.append(one)
        self.places.append(place)
        if is_keyed and place is not None:
            self.keyed.append(place)

    def has_run(self, replies: Sequence[Any]) -> bool:
        """Something of it beside messages, so that its acknowledgements count."""
        return not self.keyed or any(not isinstance(replies[place], AskError) for place in self.keyed)


class Cluster:
    """Nothing that may have run is sent again. What a node did not run, as the key is at another, goes there
    once."""

    def __init__(self, servers: OfCluster, clock: Callable[[], float]) -> None:
        self._servers = servers
        self._clock = clock
        self._seeds = {url: Lane(partial(connect, url), clock) for url in servers.seeds}
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
        """Any master hears what is published at any. Each time another, as one may be away."""
        # What was true when the last connection was lost may not be so any more.
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
            *(node.close() for node in self._nodes.values()), *(lane.close() for lane in self._seeds.values())
        )

    async def _fly(self, commands: Sequence[Command], replicas: int) -> tuple[list[Any], int]:
        due = asyncio.get_running_loop().time() + DEADLINE
        if self._map is not None:
            return await self._fly_by(self._map, commands, replicas, due)
        async with _by(due):
            return await self._fly_by(await self._known(), commands, replicas, due)

    async def _fly_by(
        self, known: SlotMap, commands: Sequence[Command], replicas: int, due: float
    ) -> tuple[list[Any], int]:
        replies: list[Any] = [None] * len(commands)
        parts = self._parted(commands, known)
        acknowledged = await self._send(parts, replies, replicas)
        if any(isinstance(reply, ClusterDownError) for reply in replies):
            # A node that the others left behind serves nobody; its slots may have another master by now.
            self._look_soon()
        if any(isinstance(reply, AskError) for reply in replies):
            redirected = self._redirected(known, parts, replies)
            acknowledged = [
                count
                for count, part in zip(acknowledged, parts.values(), strict=True)
                if part.has_run(replies)
            ]
            async with _by(due):
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
            # Beside the keys it speaks of, so that a message is sent after its write.
            beside = parts.setdefault(next(iter(parts or known.urls()), ""), _Part())
            for place in keyless:
                beside.add(commands[place], place, is_keyed=False)
        if "" in parts:
            self._look_soon()
            raise StoreUnavailable("no node serves a slot")
        return parts

    async def _send(self, parts: dict[str, _Part], replies: list[Any], replicas: int) -> list[int]:
        """Fills in the replies. Returns the acknowledgements of each part."""
        sent = (self._land(url, part, replies, replicas) for url, part in parts.items())
        # Each to its end: none is left under way behind one that failed.
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
            node = self._nodes[url] = Server(url, partial(connect, url), self._clock, lanes=1)
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
                        # ASKING is for the next command alone: a script that were missing would not be found
                        # when it is sent again.
                        to.add(command("SCRIPT", "LOAD", one.script.source), None, is_keyed=False)
                    to.add(command("ASKING"), None, is_keyed=False)
                to.add(one, place, is_keyed=True)
        return again

    async def _known(self) -> SlotMap:
        if self._map is None:
            self._look_soon()
            if self._looking is not None:
                # Not the task itself: whoever gives up leaves it to the others who wait for it.
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
        seeds = [(url, lane.fly) for url, lane in self._seeds.items()]
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
            # A defect here ends one look, and the next one is as good.
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


@asynccontextmanager
async def _by(due: float) -> AsyncIterator[None]:
    try:
        async with Deadline(due):
            yield
    except TimeoutError:
        raise StoreUnavailable("TimeoutError") from None
