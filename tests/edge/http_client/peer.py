"""A server of bytes, which answers and misbehaves as a test says."""

import asyncio
import contextlib


def answer(body=b"hello", *fields, status="200 OK"):
    return b"\r\n".join(
        [f"HTTP/1.1 {status}".encode(), *fields, b"Content-Length: %d" % len(body), b"", body]
    )


class Peer:
    """`behave` is called for each request with the connection's writer; with None requests are not read.

    `heads` are those of the requests, `opened` counts connections, `running` are those that are open.
    """

    def __init__(self, behave=None, *, tls=None):
        self.behave = behave
        self.heads, self.bodies = [], []
        self.opened = 0
        self.running = set()
        self.reached = asyncio.Event()
        self._tls = tls

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in list(self.running):
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def ended(self):
        """Wait until the client has closed every connection."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self.running, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.running.add(asyncio.current_task())
        self.opened += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self.running.discard(asyncio.current_task())
            writer.close()

    async def _answer(self, reader, writer):
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


def says(raw):
    async def behave(writer):
        writer.write(raw)
        await writer.drain()

    return behave


def says_and_closes(raw):
    async def behave(writer):
        writer.write(raw)
        writer.close()
        await writer.wait_closed()

    return behave


async def is_silent(_):
    await asyncio.Event().wait()
