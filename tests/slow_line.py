"""A line between a service and its servers: passes bytes on, later or never, or answers in their place."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Self

from tests.topologies.together import Together


class SlowLine:
    """`opened` opens the way to the server; `delay` is seconds for what is asked, `reply` what is said to it.

    `names` is what to put in place of what in the server's own words.
    """

    def __init__(
        self, opened: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
    ) -> None:
        self._opened = opened
        self.delay = 0.0
        self.reply: bytes | None = None
        self.names: dict[bytes, bytes] = {}

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            upstream, downstream = await self._opened()
            try:
                await asyncio.gather(self._ask(reader, downstream, writer), self._answer(upstream, writer))
            finally:
                downstream.close()
        writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if self.reply is not None:
                # As many replies as there are commands: every one of ours is an array.
                client.write(self.reply * max(1, data.count(b"\r\n*") + data.startswith(b"*")))
                continue
            await asyncio.sleep(self.delay)
            server.write(data)
            await server.drain()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            for name, other in self.names.items():
                data = data.replace(name, other)
            client.write(data)
            await client.drain()
        client.close()


class SlowLines:
    """Lines to all servers and sentinels, which are named by the lines' ports wherever one is named."""

    def __init__(self, together: Together) -> None:
        self._together = together
        self._nodes = together.nodes()
        self._lines = [
            SlowLine(partial(asyncio.open_connection, node.host, node.port)) for node in self._nodes
        ]

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        for line in self._lines:
            await self._stack.enter_async_context(line)
        names = {}
        for node, line in zip(self._nodes, self._lines, strict=True):
            # A sentinel names a port as text, a Cluster as a number, and after a colon where a key has moved.
            for before in (b"\r\n", b":"):
                names[b"%s%d\r\n" % (before, node.port)] = b"%s%d\r\n" % (before, line.port)
        for line in self._lines:
            line.names = names
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        url = self._together.url
        for node, line in zip(self._nodes, self._lines, strict=True):
            url = url.replace(node.address, f"127.0.0.1:{line.port}")
        return url

    @contextlib.contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        for line in self._lines:
            line.delay = seconds
        try:
            yield
        finally:
            for line in self._lines:
                line.delay = 0.0
