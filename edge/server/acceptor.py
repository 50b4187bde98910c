"""Takes connections from a listening socket that several workers share, so that each gets a fair part."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from edge.server.http1.door import Door
from edge.server.inherited import ABSENT, Shares

YIELD: Final = 0.002
YIELDS: Final = 5
"""A worker that has more connections than another leaves a new one to the others for YIELD seconds, YIELDS
times at most. The worker with fewer may be busy or dead, so then this one takes it."""
REST: Final = 0.5
"""Seconds after which accepting is tried again when the process has no file descriptor left."""

_log = structlog.get_logger()


@dataclass
class CountedDoor(Door):
    """A door that reports when a connection has gone."""

    left: Callable[[], None] = lambda: None

    def leave(self, connection: Any) -> None:
        super().leave(connection)
        self.left()


class Acceptor:
    """Takes the place of the server that asyncio makes of a socket, which cannot be told to wait a moment.

    `count` returns the number of open connections.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        count: Callable[[], int],
        shares: Shares,
        place: int,
    ) -> None:
        self.sockets = [listener]
        self._listener = listener
        self._protocol = protocol
        self._count = count
        self._shares = shares
        self._place = place
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._yielded = 0
        self._is_closed = False
        self.tell()
        self._loop.add_reader(listener, self._take_or_yield)

    def tell(self) -> None:
        """Tell the other workers how many connections this worker has."""
        if not self._is_closed:
            self._shares.tell(self._place, self._count() + len(self._entering))

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._shares.tell(self._place, ABSENT)
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """Does nothing; uvicorn calls it on every asyncio server."""

    def _take_or_yield(self) -> None:
        if self._yielded < YIELDS and self._shares.is_ahead(self._place):
            self._yielded += 1
            self._pause(YIELD)
        else:
            self._yielded = 0
            self._take()

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener, self._take_or_yield)

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            # Another worker was first, or the client has gone.
            return
        except OSError as error:
            _log.error("accepting_failed", reason=error.strerror)
            if self._timer is None:
                self._pause(REST)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._enter(connection))
        self._entering.add(task)
        task.add_done_callback(self._entered)
        self.tell()

    def _entered(self, task: asyncio.Task[None]) -> None:
        self._entering.discard(task)
        self.tell()

    async def _enter(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()
