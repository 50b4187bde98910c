"""Serves one application in this process: alone on its port, or in a seat among the workers of a parent."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp, Message
from uvicorn.config import STARTUP_FAILURE

from edge import metrics_listener
from edge.accepting import Acceptor, CountedDoor
from edge.front_door import HEAD_WITHIN, protocol
from edge.metrics import Metrics, dump, render
from edge.seat import MEASURE, READY, RETIRE, Seat, Shares
from edge.worker import add_workers

QUIET_WITHIN: Final = HEAD_WITHIN + 1
"""Seconds in which the connections of a worker that retires end by themselves: a connection that waits for
its next request is closed after 5, one without any request after HEAD_WITHIN."""
ANSWERS_WITHIN: Final = 10.0
"""Seconds that running answers have when a service stops, and those of a worker that retires beyond that."""
_LOOK: Final = 0.05
_ASK_AGAIN: Final = 0.25

_log = structlog.get_logger()


class Served:
    """What a service brings: its application, its door, what it counts, and what has to be done before it
    stops listening, within so many seconds.

    Without a `drain` a signal stops it as uvicorn does: no new connections, what runs to its end.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: CountedDoor,
        metrics: Metrics,
        *,
        address: tuple[str, int],
        graceful: int,
        drain: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.app = app
        self.door = door
        self.metrics = metrics
        self.drain = drain
        self.config = uvicorn.Config(
            app,
            host=address[0],
            port=address[1],
            loop="uvloop",
            http=protocol(door),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # The peer is judged by edge.client_address, from the configured hops only.
            proxy_headers=False,
            timeout_graceful_shutdown=graceful,
        )


class Server(uvicorn.Server):
    """Drains before it stops listening: uvicorn alone would close its port first, and a request that comes
    meanwhile would meet a refused connection instead of a 503 that says when to come again.

    In a seat it also obeys the parent, and stops when that is gone. Alone it tells what it counts itself, on
    the socket `metrics`.
    """

    def __init__(self, served: Served, seat: Seat | None, metrics: socket.socket | None) -> None:
        super().__init__(served.config)
        self._served = served
        self._seat = seat
        self._metrics = metrics
        self._control: asyncio.StreamWriter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._parent: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._seat is None:
            await super().startup()
            if self._metrics is not None:
                await metrics_listener.start(self._metrics, self._text)
        else:
            # The application's start alone; what follows listens.
            await super().startup([])
            await self._hear_the_parent(self._seat)
            if self._seat.is_taken:
                await self._become_ready()
            if not self.should_exit:
                self._sit_down(self._seat)
        # What there is by now stays: the collector need not go through it again and again.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._control is not None:
            self._tell()
            with suppress(OSError):
                await self._control.drain()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called between any two instructions, so the loop is told and nothing else is done.

        Unlike uvicorn's own it keeps no signal to die of in the end: whoever ends as it was told to has not
        failed, so the exit code is 0.
        """
        if self._loop is None:
            self.should_exit = True
        elif self._draining is None:
            self._loop.call_soon_threadsafe(self._drain)
        else:
            self.should_exit = self.force_exit = True

    def _drain(self, limit: float = ANSWERS_WITHIN) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain_and_exit(limit))

    async def _drain_and_exit(self, limit: float) -> None:
        if self._served.drain is not None:
            await self._served.drain(limit)
        self.should_exit = True

    def _leave_the_door(self) -> None:
        for server in self.servers:
            server.close()

    async def _retire(self) -> None:
        """Another worker has the place: leave it the new connections, end those that there are after their
        next answer, and go when none is left. No request meets a closed door."""
        self._leave_the_door()
        closing = (b"connection", b"close")
        self.config.encoded_headers.append(closing)
        self.server_state.default_headers = [*self.server_state.default_headers, closing]
        try:
            # A connection whose answer goes on may be used for one more question when that has ended. As that
            # is answered too, a reader has no part in what is cut in the end but the answer itself.
            async with asyncio.timeout(QUIET_WITHIN + ANSWERS_WITHIN):
                while self._served.door.open:  # noqa: ASYNC110  looked at a few times in a worker's life
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            pass
        self._drain(0)

    async def _hear_the_parent(self, seat: Seat) -> None:
        control = socket.socket(fileno=seat.control)
        reader, self._control = await asyncio.open_unix_connection(sock=control)
        self._parent = asyncio.create_task(self._obey(reader))

    async def _become_ready(self) -> None:
        """Whoever has the place has all that it needs, what cannot be had at the moment too: a key set while
        the broker is away, say. The parent knows how long to wait."""
        while not self.should_exit and await self._readiness() != 200:  # noqa: ASYNC110  as above
            await asyncio.sleep(_ASK_AGAIN)

    async def _readiness(self) -> int:
        """The status of `/readyz`, asked as a client would, but through no door."""
        status = 0

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/readyz",
            "raw_path": b"/readyz",
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "client": None,
            "server": None,
            "state": self.lifespan.state.copy(),
        }
        await self._served.app(scope, receive, send)
        return status

    def _sit_down(self, seat: Seat) -> None:
        state, config = self.server_state, self.config

        def make() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(
                config=config, server_state=state, app_state=self.lifespan.state, _loop=None
            )
            return made

        listener = socket.socket(fileno=seat.listener)
        door = self._served.door
        acceptor = Acceptor(listener, make, lambda: door.open, Shares(seat.shares), seat.place)
        door.left = acceptor.tell
        self.servers = [acceptor]  # type: ignore[list-item]
        if self._control is not None:
            self._control.write(READY)

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                if line == MEASURE:
                    self._tell()
                elif line == RETIRE and self._retiring is None:
                    self._retiring = asyncio.create_task(self._retire())
        except OSError:
            pass
        # The parent is gone, and nobody would start another worker in this one's place. The port is wanted by
        # the parent that is started next.
        _log.warning("parent_gone")
        self._leave_the_door()
        self._drain()

    def _tell(self) -> None:
        if self._control is not None:
            self._control.write(dump(self._served.metrics.snapshot()) + b"\n")

    async def _text(self) -> bytes:
        return render(self._served.metrics.snapshot())


def serve(served: Served, seat: Seat | None, metrics: socket.socket | None) -> int:
    """Until a signal, or the parent, says stop. The exit code."""
    if seat is None:
        add_workers(served.metrics, 1, lambda: 0)
    server = Server(served, seat, metrics)
    server.run()
    return 0 if server.started else STARTUP_FAILURE
