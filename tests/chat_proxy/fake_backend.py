"""A backend that speaks bytes and behaves as a test says, and some of its behaviours."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Received:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One connection of the proxy to the backend, as a behaviour is handed it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: Received
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.received = received

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def head(
        self, content_type: str = "text/event-stream", *, status: str = "200 OK", extra: str = ""
    ) -> None:
        await self.send(
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )

    async def chunk(self, raw: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(raw), raw))

    async def event(self, name: str, **members: Any) -> None:
        await self.chunk(f"event: {name}\ndata: {json.dumps(members)}\n\n".encode())

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def document(self, members: Any) -> None:
        raw = members if isinstance(members, bytes) else json.dumps(members).encode()
        await self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(raw), raw)
        )

    async def gone(self) -> None:
        """Returns when the proxy hung up."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass


Behaviour = Callable[[Peer], Awaitable[None]]


async def answer_plainly(peer: Peer) -> None:
    if "text/event-stream" in peer.received.headers["accept"]:
        await peer.head()
        await peer.event("start")
        await peer.event("delta", text="Hello ")
        await peer.event("delta", text="reader.")
        await peer.event("citation", title="Intro", url="https://docs.example.org/intro", quote="Hi")
        await peer.event("done")
        await peer.end()
    else:
        citation = {"title": "Intro", "url": "https://docs.example.org/intro", "quote": "Hi"}
        await peer.document({"response": "Hello reader.", "citations": [citation]})


async def reached(event: asyncio.Event, asking: asyncio.Task[httpx.Response]) -> None:
    """Returns once the backend has set `event`; fails where `asking` was answered without it."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, asking}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert not asking.done(), asking.result().text


class Paused:
    """A backend's behaviour: it goes on as `then` once `go_on` is set. `asked`: it has a question."""

    def __init__(self, then: Behaviour = answer_plainly) -> None:
        self.then = then
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        self.asked.set()
        await self.go_on.wait()
        await self.then(peer)


@dataclass
class Backend:
    """Speaks bytes, so that it can misbehave in every way. `running` are its open connections."""

    behaviour: Behaviour = answer_plainly
    received: list[Received] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    connections: int = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def is_idle(self) -> bool:
        return not self.running

    async def is_asked(self) -> bool:
        return bool(self.received)

    async def stop(self) -> None:
        self._server.close()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    received = await self._request(reader)
                    self.received.append(received)
                    await self.behaviour(Peer(reader, writer, received))
        finally:
            self.running.discard(task)
            writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in fields)
        headers = {name.lower(): value for name, value in headers.items()}
        return Received(line, headers, await reader.readexactly(int(headers["content-length"])))
