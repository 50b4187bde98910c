"""A master that sentinels watch and replace."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from edge import logs
from edge.commands import Command, StoreUnavailable, command
from edge.lanes import Lane, connect, pipeline
from edge.topologies.addresses import OfSentinels
from edge.topologies.server import Server
from edge.topologies.survey import Newest, survey

WATCH_EVERY: Final = 0.5
"""Seconds. A master that was cut off from the others answers as before; only the sentinels know better."""

_log = structlog.get_logger()


class Sentinel:
    """The lanes lead to the master that the sentinels name. When they name another, all connect anew."""

    def __init__(self, servers: OfSentinels, clock: Callable[[], float]) -> None:
        self._servers = servers
        self._sentinels = [Lane(partial(connect, url), clock) for url in servers.sentinels]
        self._server = Server(servers.master, self._connect, clock)
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
        await asyncio.gather(self._server.close(), *(lane.close() for lane in self._sentinels))

    async def _connect(self) -> AbstractConnection:
        try:
            master = await self._find()
        except StoreUnavailable as error:
            raise RedisConnectionError(str(error)) from None
        connection = await connect(master)
        try:
            [role] = await pipeline(connection, [("ROLE",)])
            # Sentinels may be behind the times, and others may have found another master meanwhile.
            if isinstance(role, Exception) or role[0] != b"master" or master != self._master:
                raise RedisConnectionError("the sentinels named a server that is not the master")
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def _find(self) -> str:
        """The master's URL at present; those who ask at the same time share the answer."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        looking = self._looking
        # Not the task itself: whoever gives up leaves it to the others who wait for it.
        await asyncio.wait([looking])
        if looking.cancelled():
            raise StoreUnavailable("the store was closed")
        master = looking.result()
        if master is None:
            raise StoreUnavailable("no sentinel knows the master")
        return master

    async def _look(self) -> str | None:
        try:
            answers = await survey(self._ask(lane) for lane in self._sentinels)
        except StoreUnavailable:
            return None
        # Each failover has a higher epoch, so a sentinel that missed one is not believed against another, nor
        # against what one has said before that is late now.
        epoch, master = max(answers)
        if not self._newest.counts(epoch):
            return self._master
        if master != self._master:
            self._master = master
            self._server.renew()
        return master

    async def _ask(self, lane: Lane) -> tuple[int, str]:
        name = self._servers.master
        address, state = await lane.fly(
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
                # Without sentinels nothing moves, and the master that is known serves on.
                continue
            except Exception as error:
                # A defect ends one look; without any, a master that was deposed would be believed for ever.
                _log.error("sentinels_failed", error=logs.where(error))
