"""One server and the pipelines to it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from edge.redis.commands import DEADLINE, Command, StoreUnavailable, command
from edge.redis.pipelines import Connect, Pipeline

PIPELINES: Final = 2
ACKNOWLEDGED_WITHIN: Final = 0.75
"""The part of a flight's deadline in which the replicas must acknowledge a write."""
DOUBT_AFTER: Final = 0.25
"""Seconds between two doubts: a master whose replicas are down refuses every write, perhaps for hours, and a
connection made a moment ago leads to the server that its name leads to now."""


class Server:
    """`connect` connects to it; `url` is its name for `heard_at`."""

    def __init__(
        self,
        url: str,
        connect: Connect,
        clock: Callable[[], float],
        *,
        pipelines: int = PIPELINES,
        deadline: float = DEADLINE,
    ) -> None:
        self._url = url
        self._pipelines = [Pipeline(connect, clock, deadline=deadline) for _ in range(pipelines)]
        # WAIT delays the commands behind it on its connection; if a replica is dead, for all of WAIT's time.
        # So only other commits wait there.
        self._commits = Pipeline(connect, clock, deadline=deadline)
        self._acknowledged_within_ms = int(deadline * ACKNOWLEDGED_WITHIN * 1000)
        self._clock = clock
        self._doubted_at = float("-inf")

    def fly(self, commands: Sequence[Command]) -> Coroutine[None, None, list[Any]]:
        return self._pipeline().fly(commands)

    async def commit(self, commands: Sequence[Command], replicas: int) -> tuple[list[Any], int]:
        # WAIT goes on the same connection, as it covers the writes of its own connection only.
        wait = command("WAIT", replicas, self._acknowledged_within_ms)
        try:
            *replies, acknowledged = await self._commits.fly((*commands, wait))
        except StoreUnavailable:
            # WAIT may return a tenth of a second late, so the flight's deadline may come before its answer.
            self.doubt()
            raise
        if not isinstance(acknowledged, int):
            # A server that became a replica meanwhile cannot answer WAIT.
            acknowledged = 0
        if acknowledged < replicas:
            self.doubt()
        return replies, acknowledged

    def doubt(self) -> None:
        if self._clock() - self._doubted_at >= DOUBT_AFTER:
            self._doubted_at = self._clock()
            self.renew()

    def renew(self) -> None:
        """Drop all connections, as this server is no longer the master."""
        for pipeline in self._all():
            pipeline.retire()

    @property
    def is_idle(self) -> bool:
        return all(pipeline.is_idle for pipeline in self._all())

    async def heard_at(self) -> str:
        return self._url

    def is_heard_at(self, url: str) -> bool:
        return url == self._url

    async def close(self) -> None:
        await asyncio.gather(*(pipeline.close() for pipeline in self._all()))

    def _pipeline(self) -> Pipeline:
        """The first that is prompt, so that as many flights as possible leave together: each write wakes the
        server, which costs both sides more than the commands. The others are for what a slow command, or a
        lost connection, would hold up."""
        for pipeline in self._pipelines:
            if pipeline.is_prompt:
                return pipeline
        return min(self._pipelines, key=lambda one: one.backlog)

    def _all(self) -> list[Pipeline]:
        return [*self._pipelines, self._commits]
