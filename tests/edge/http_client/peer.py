"""A server of bytes, which answers and misbehaves as a test says."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

Behaves = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = b"hello", *fields: bytes, status: str = "200 OK") -> bytes:
    return b"\r\n".join(
        [f"HTTP/1.1 {status}".encode(), *fields, b"Content-Length: %d" % len(body), b"", body]
    )


class Peer:
    """`behave` is called for each request with the connection's writer; with None requests are not read.

    `heads` are those of the requests, `opened` counts connections, `running` are those that are open.
    """

    def __init__(self, behave: Behaves | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.opened = 0
        self.running: set[asyncio.Task[None]] = set()
        self.reached = asyncio.Event()
        self._tls = tls

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self.running):
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def ended(self) -> None:
        """Wait until the client has closed every connection."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self.running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        self.opened += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self.running.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.behave is None:
            self.reached.set()
            await reader.read()
            return
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            length = next((line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), b":0")
            self.bodies.append(await reader.readexactly(int(length.partition(b":")[2])))
            self.reached.set()
            await self.behave(writer)


def says(raw: bytes) -> Behaves:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return behave


def says_and_closes(raw: bytes) -> Behaves:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()
        await writer.wait_closed()

    return behave


async def is_silent(_: object) -> None:
    await asyncio.Event().wait()
