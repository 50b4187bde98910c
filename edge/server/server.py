"""Serves one application in this process: alone on its port, or as a worker with sockets of its parent."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp, Message
from uvicorn.config import STARTUP_FAILURE

from edge.server import metrics_listener
from edge.server.acceptor import Acceptor, CountedDoor
from edge.server.full_collections import FullCollections
from edge.server.http1.door import HEAD_WITHIN
from edge.server.http1.protocol import protocol
from edge.server.inherited import ALIVE, MEASURE, READY, RETIRE, Inherited, Shares
from edge.server.watchdog import EVERY, Watchdog
from edge.server.worker import add_workers
from edge.telemetry.metrics import Metrics, dump, render

QUIET_WITHIN: Final = HEAD_WITHIN + 1
"""Seconds in which the connections of a retiring worker end by themselves: an idle connection is closed after
5, one that never sent a request after HEAD_WITHIN."""
ANSWERS_WITHIN: Final = 10.0
"""Seconds that running answers have when a service stops; in a retiring worker, after QUIET_WITHIN."""
_LOOK: Final = 0.05
_ASK_AGAIN: Final = 0.25

_log = structlog.get_logger()


class Served:
    """The parts that a service brings: its application, its door, its metrics, and a `drain` to run within so
    many seconds before it stops listening.

    If there is no `drain`, a signal stops it as uvicorn does: no new connections, and requests run to their
    end.
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
            # The peer is judged by edge.http.client_address, from the configured hops only.
            proxy_headers=False,
            timeout_graceful_shutdown=graceful,
        )


class Server(uvicorn.Server):
    """Drains before it stops listening: uvicorn alone would close its port first, and a request that comes
    meanwhile would meet a refused connection instead of a 503 that says when to come again.

    As a worker it also obeys the parent, and stops when the parent is gone. Alone it serves its metrics
    itself, on the socket `metrics`.
    """

    def __init__(
        self,
        served: Served,
        inherited: Inherited | None,
        metrics: socket.socket | None,
        watchdog: Watchdog,
        *,
        quiet_within: float = QUIET_WITHIN,
        answers_within: float = ANSWERS_WITHIN,
    ) -> None:
        super().__init__(served.config)
        self._quiet_within = quiet_within
        self._answers_within = answers_within
        self._served = served
        self._inherited = inherited
        self._metrics = metrics
        self._control: asyncio.StreamWriter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._parent: asyncio.Task[None] | None = None
        self._watchdog = watchdog
        self._collections = FullCollections(lambda: served.door.open)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture uvicorn's signals, and SIGHUP: unhandled, it would end the process and tear its answers.
        A worker ignores SIGHUP, as its parent handles it; so does a process under nohup."""
        before = signal.getsignal(signal.SIGHUP)
        is_heard = self._inherited is None and before is not signal.SIG_IGN
        with super().capture_signals():
            signal.signal(signal.SIGHUP, self.handle_exit if is_heard else signal.SIG_IGN)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._inherited is None:
            await super().startup()
            if self._metrics is not None:
                await metrics_listener.start(self._metrics, self._text)
        else:
            # Only the application's startup: it listens further below.
            await super().startup([])
            await self._hear_the_parent(self._inherited)
            if self._inherited.is_taken:
                await self._become_ready()
            if not self.should_exit:
                self._serve_inherited(self._inherited)
        self._collections.start()
        self._watchdog.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._collections.stop()
        self._served.door.refusals.say()
        if self._control is not None:
            self._tell()
            with suppress(OSError):
                await self._control.drain()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called between any two instructions, so it only notifies the loop.

        uvicorn's own handler keeps the signal and raises it again at the end; this one does not: a process
        that stops as it was told to has not failed, so the exit code is 0.
        """
        if self._loop is None:
            self.should_exit = True
        elif self._draining is None:
            self._loop.call_soon_threadsafe(self._stop, signal.Signals(sig).name)
        elif sig != signal.SIGHUP:
            # A shell that exits may send SIGHUP more than once, which is no demand to stop faster.
            self.should_exit = self.force_exit = True

    def _stop(self, asked_by: str) -> None:
        if self._draining is None:
            _log.info("stopping", signal=asked_by)
            self._drain(self._answers_within)

    def _drain(self, limit: float) -> None:
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
        """Another worker has the slot: leave it the new connections, close the present ones after their next
        answer, and exit when none is left. No request meets a closed door."""
        self._leave_the_door()
        closing = (b"connection", b"close")
        self.config.encoded_headers.append(closing)
        self.server_state.default_headers = [*self.server_state.default_headers, closing]
        try:
            # A connection whose answer is running may bring one more question after it. That one is answered
            # too, so a reader loses at the end no more than the running answer.
            async with asyncio.timeout(self._quiet_within + self._answers_within):
                while self._served.door.open:  # noqa: ASYNC110  looked at a few times in a worker's life
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            pass
        self._drain(0)

    async def _hear_the_parent(self, inherited: Inherited) -> None:
        control = socket.socket(fileno=inherited.control)
        reader, self._control = await asyncio.open_unix_connection(sock=control)
        self._parent = asyncio.create_task(self._obey(reader))

    async def _become_ready(self) -> None:
        """Wait until this worker can serve: the worker that it replaces has all that it needs, also things
        that cannot be had at the moment, such as a key set while the broker is down. The parent limits the
        wait."""
        while not self.should_exit and await self._readiness() != 200:  # noqa: ASYNC110  as above
            await asyncio.sleep(_ASK_AGAIN)

    async def _readiness(self) -> int:
        """The status of `/readyz`, requested as by a client, but past the door."""
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

    def _serve_inherited(self, inherited: Inherited) -> None:
        state, config = self.server_state, self.config

        def make() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(
                config=config, server_state=state, app_state=self.lifespan.state, _loop=None
            )
            return made

        listener = socket.socket(fileno=inherited.listener)
        door = self._served.door
        acceptor = Acceptor(listener, make, lambda: door.open, Shares(inherited.shares), inherited.place)
        door.left = acceptor.tell
        self.servers = [acceptor]  # type: ignore[list-item]
        if self._control is not None:
            self._control.write(READY)

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                if line == MEASURE:
                    self._tell()
                elif line == ALIVE and self._control is not None:
                    self._control.write(ALIVE)
                elif line == RETIRE and self._retiring is None:
                    self._retiring = asyncio.create_task(self._retire())
        except OSError:
            pass
        # The parent is gone, so no other worker would be started in this one's place. A new parent needs the
        # port.
        _log.warning("parent_gone")
        self._leave_the_door()
        self._drain(self._answers_within)

    def _tell(self) -> None:
        if self._control is not None:
            self._control.write(dump(self._served.metrics.snapshot()) + b"\n")

    async def _text(self) -> bytes:
        return render(self._served.metrics.snapshot())


def serve(
    served: Served,
    inherited: Inherited | None,
    metrics: socket.socket | None,
    *,
    watched_every: float = EVERY,
) -> int:
    """Serve until a signal, or the parent, says stop. Returns the exit code. The watchdog looks every
    `watched_every` seconds."""
    if inherited is None:
        add_workers(served.metrics, 1, lambda: 0)
    watchdog = Watchdog(ends=inherited is None, every=watched_every)
    server = Server(served, inherited, metrics, watchdog)
    try:
        server.run()
    finally:
        watchdog.stop()
    return 0 if server.started else STARTUP_FAILURE
