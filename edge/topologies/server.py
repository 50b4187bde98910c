"""One server and the lanes to it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from edge.commands import Command, StoreUnavailable, command
from edge.lanes import Connect, Lane

LANES: Final = 2
ACKNOWLEDGED_WITHIN_MS: Final = 150
"""For the replicas' acknowledgement of a write; a flight with it still ends by its deadline."""
DOUBT_AFTER: Final = 0.25
"""Seconds between two doubts: a master whose replicas are away refuses every write, maybe for hours, and what
was connected a moment ago leads where its name leads now."""


class Server:
    """`connect` finds it; `url` is what it is known by."""

    def __init__(self, url: str, connect: Connect, clock: Callable[[], float], *, lanes: int = LANES) -> None:
        self._url = url
        self._lanes = [Lane(connect, clock) for _ in range(lanes)]
        # WAIT holds up what is behind it on its connection, with a dead replica for the whole time it may
        # take: nothing but other commits waits there.
        self._commits = Lane(connect, clock)
        self._turn = 0
        self._clock = clock
        self._doubted_at = float("-inf")

    def fly(self, commands: Sequence[Command]) -> Coroutine[None, None, list[Any]]:
        lane = self._next()
        if lane.is_broken:
            # The other one may be well: one connection that was cut says little of the server.
            lane = self._next()
        return lane.fly(commands)

    async def commit(self, commands: Sequence[Command], replicas: int) -> tuple[list[Any], int]:
        # On the same connection, as WAIT speaks of the writes of its own connection only.
        wait = command("WAIT", replicas, ACKNOWLEDGED_WITHIN_MS)
        try:
            *replies, acknowledged = await self._commits.fly((*commands, wait))
        except StoreUnavailable:
            # WAIT may be ten times a second late, so a flight's deadline may say what it would have said.
            self.doubt()
            raise
        if not isinstance(acknowledged, int):
            # A server that became a replica meanwhile waits for nobody.
            acknowledged = 0
        if acknowledged < replicas:
            self.doubt()
        return replies, acknowledged

    def doubt(self) -> None:
        if self._clock() - self._doubted_at >= DOUBT_AFTER:
            self._doubted_at = self._clock()
            self.renew()

    def renew(self) -> None:
        """Let go of all connections, as this is the master no more."""
        for lane in self._all():
            lane.retire()

    @property
    def is_idle(self) -> bool:
        return all(lane.is_idle for lane in self._all())

    async def heard_at(self) -> str:
        return self._url

    def is_heard_at(self, url: str) -> bool:
        return url == self._url

    async def close(self) -> None:
        await asyncio.gather(*(lane.close() for lane in self._all()))

    def _next(self) -> Lane:
        self._turn = (self._turn + 1) % len(self._lanes)
        return self._lanes[self._turn]

    def _all(self) -> list[Lane]:
        return [*self._lanes, self._commits]
