"""A master that sentinels watch and replace."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from edge.redis.commands import Command, StoreUnavailable, command
from edge.redis.connection import Connection, connect
from edge.redis.pipelines import Pipeline
from edge.redis.topologies.addresses import OfSentinels
from edge.redis.topologies.server import Server
from edge.redis.topologies.survey import Newest, survey
from edge.telemetry import logs

WATCH_EVERY: Final = 0.5
"""Seconds. A master that was cut off from the others answers as before; only the sentinels know of it."""

_log = structlog.get_logger()


class Sentinel:
    """The pipelines lead to the master that the sentinels name. When they name another, all reconnect."""

    def __init__(self, servers: OfSentinels, clock: Callable[[], float], *, deadline: float) -> None:
        self._servers = servers
        self._sentinels = [
            Pipeline(partial(connect, url), clock, deadline=deadline) for url in servers.sentinels
        ]
        self._server = Server(servers.master, self._connect, clock, deadline=deadline)
        self._master = ""
        self._newest = Newest(clock)
        self._looking: asyncio.Task[str | None] | None = None
        self._watching: asyncio.Task[None] | None = None

    def fly(self, commands: Sequence[Command]) -> Coroutine[None, None, list[Any]]:
        self._watch()
        return self._server.fly(commands)

    def commit(
        self, commands: Sequence[Command], replicas: int
    ) -> Coroutine[None, None, tuple[list[Any], int]]:
        self._watch()
        return self._server.commit(commands, replicas)

    def doubt(self) -> None:
        self._server.doubt()

    async def heard_at(self) -> str:
        self._watch()
        return await self._find()

    def is_heard_at(self, url: str) -> bool:
        return url == self._master

    async def close(self) -> None:
        tasks = [task for task in (self._watching, self._looking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(self._server.close(), *(pipeline.close() for pipeline in self._sentinels))

    async def _connect(self) -> Connection:
        try:
            master = await self._find()
        except StoreUnavailable as error:
            raise RedisConnectionError(str(error)) from None
        connection = await connect(master)
        try:
            [role] = await connection.exchange([("ROLE",)])
            # The sentinels may be out of date, and another look may have found another master meanwhile.
            if isinstance(role, Exception) or role[0] != b"master" or master != self._master:
                raise RedisConnectionError("the sentinels named a server that is not the master")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _find(self) -> str:
        """The master's URL at present; calls at the same time share one look."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        looking = self._looking
        # `wait`, as a caller that is cancelled must not cancel the task for the others.
        await asyncio.wait([looking])
        if looking.cancelled():
            raise StoreUnavailable("the store was closed")
        master = looking.result()
        if master is None:
            raise StoreUnavailable("no sentinel knows the master")
        return master

    async def _look(self) -> str | None:
        try:
            answers = await survey(self._ask(pipeline) for pipeline in self._sentinels)
        except StoreUnavailable:
            return None
        # Each failover has a higher epoch. The highest one wins: over a sentinel that missed a failover, and
        # over an answer older than one that was believed before.
        epoch, master = max(answers)
        if not self._newest.counts(epoch):
            return self._master
        if master != self._master:
            self._master = master
            self._server.renew()
        return master

    async def _ask(self, pipeline: Pipeline) -> tuple[int, str]:
        name = self._servers.master
        address, state = await pipeline.fly(
            [command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name), command("SENTINEL", "MASTER", name)]
        )
        if isinstance(state, Exception) or not isinstance(address, list):
            raise StoreUnavailable("a sentinel does not know the master")
        host, port = address
        return int(state[b"config-epoch"]), self._servers.server.at(host.decode(), int(port))

    def _watch(self) -> None:
        if self._watching is None:
            self._watching = asyncio.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            try:
                await self._find()
            except StoreUnavailable:
                # While no sentinel answers there is no failover, and the known master goes on serving.
                continue
            except Exception as error:
                # A defect ends one look only; with no more looks a deposed master would be believed for ever.
                _log.error("sentinels_failed", error=logs.where(error))
