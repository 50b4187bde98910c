"""The front door before a real server, with either parser of uvicorn, and clients that send it bytes."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.server.http1.door import Door
from edge.server.http1.protocol import protocol

SITE = "https://owner.github.io"
HOST = b"Host: broker.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class App:
    """Answers with what it was asked; at /early before it was, at /refused before and for the last time, at
    /endless until its client leaves.
    `free` keeps its answers back until it is set; `failures` are those of the server that it met."""

    server: uvicorn.Server
    door: Door
    port: int

    def __init__(self) -> None:
        self.begun = 0
        self.asked: list[tuple[str, str, bytes]] = []
        self.left = 0
        self.failures: list[Exception] = []
        self.large = 8_000_000
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.begun += 1
        body = b""
        more = scope["path"] not in ("/early", "/refused")
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body += message["body"]
            more = message["more_body"]
        self.asked.append((scope["method"], scope["path"], body))
        if scope["path"] == "/endless":
            await self._talk(receive, send)
            return
        if scope["path"] == "/large":
            body = bytes(self.large)
        await self.free.wait()
        headers = [(b"content-length", str(len(body)).encode())]
        if scope["path"] == "/refused":
            headers.append((b"connection", b"close"))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        except Exception as error:
            self.failures.append(error)
            raise

    async def _talk(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        leaving = asyncio.ensure_future(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": bytes(10_000), "more_body": True})
            await asyncio.sleep(0)
        self.left += 1


async def until(holds: Callable[[], object]) -> None:
    """Waits for what can only be seen by looking."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(parser: Any, *, keep_alive: int = 5, **options: Any) -> AsyncIterator[App]:
    app = App()
    door = Door(SITE.__eq__, **{"head_within": 5.0, "body_within": 5.0, **options})
    config = uvicorn.Config(
        app,
        port=0,
        http=protocol(door, parser),
        ws="none",
        log_config=None,
        lifespan="off",
        timeout_keep_alive=keep_alive,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    app.server = server
    app.door, app.port = door, server.servers[0].sockets[0].getsockname()[1]
    yield app
    app.free.set()
    server.should_exit = True
    await running


PARSERS = {"httptools": HttpToolsProtocol, "h11": H11Protocol}


async def said(app: App, raw: bytes, *, whole: bool = True) -> bytes:
    """The bytes that come back until the server closes; `raw` is sent at once or byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    for piece in [raw] if whole else [raw[at : at + 1] for at in range(len(raw))]:
        if writer.transport.is_closing():
            break
        writer.write(piece)
        await asyncio.sleep(0)
    answer = await asyncio.wait_for(reader.read(), 15)
    # close() would wait to send what the server does not read.
    writer.transport.abort()
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def problem(answer: bytes) -> Any:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    assert b"x-request-id: " in head.lower()
    [date] = re.findall(rb"\r\ndate: ([^\r]+)", head.lower())
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 5
    found = json.loads(body)
    assert found["status"] == status(answer)
    return found["code"]


CLOSE = b"Connection: close\r\n\r\n"
HALF = POST + b"Content-Length: 60000\r\n\r\n" + b"x" * 30_000
KIBIBYTE = 1024


async def sending(
    app: App, raw: bytes, address: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of `address` whose client has sent `raw` and waits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port, local_addr=(address, 0))
    writer.write(raw)
    await writer.drain()
    return reader, writer
