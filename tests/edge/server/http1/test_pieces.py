"""Pieces of a streamed body that the application writes at once, past `send`."""

import asyncio
import socket
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.http.pieces import Pieces
from edge.server.http1.door import Door
from edge.server.http1.protocol import protocol
from tests.edge.server.http1.front_door import GET, until

REQUEST = GET + b"\r\n"
HEAD = {"type": "http.response.start", "status": 200, "headers": []}


class Stream:
    """One answer; the test writes its body."""

    def __init__(self, scope, send):
        self.pieces = Pieces(scope)
        self.send = send
        self.over = asyncio.Event()

    async def end(self):
        await self.send({"type": "http.response.body", "body": b"end", "more_body": False})
        self.over.set()


class Streams:
    """An application whose answers wait for the test, in the order of their requests."""

    def __init__(self):
        self.begun: asyncio.Queue[Stream] = asyncio.Queue()

    async def __call__(self, scope, receive, send):
        stream = Stream(scope, send)
        self.begun.put_nowait(stream)
        await stream.over.wait()


@asynccontextmanager
async def serving():
    app = Streams()
    kind = protocol(Door(lambda origin: True), HttpToolsProtocol)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=kind, ws="none", log_config=None, lifespan="off")
    )
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield app, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def chunks(reader, count):
    """So many chunks of the body, after a head if one comes."""
    found: list[bytes] = []
    while len(found) < count:
        line = await asyncio.wait_for(reader.readline(), 5)
        if line.startswith(b"HTTP/1.1 200"):
            await reader.readuntil(b"\r\n\r\n")
            continue
        size = int(line, 16)
        found.append((await reader.readexactly(size + 2))[:-2])
    return found


async def test_pieces_and_messages_arrive_in_the_order_in_which_they_were_written():
    async with serving() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        stream = await app.begun.get()
        assert not stream.pieces.is_free
        await stream.send(HEAD)
        assert stream.pieces.is_free
        stream.pieces.write(b"one")
        await stream.send({"type": "http.response.body", "body": b"two", "more_body": True})
        stream.pieces.write(b"3" * 300)
        await stream.end()
        assert not stream.pieces.is_free
        assert await chunks(reader, 5) == [b"one", b"two", b"3" * 300, b"end", b""]
        writer.close()


async def test_an_answer_that_is_over_writes_nothing_into_the_next_one():
    async with serving() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + REQUEST)
        first = await app.begun.get()
        await first.send(HEAD)
        await first.end()
        second = await app.begun.get()
        await second.send(HEAD)
        assert (first.pieces.is_free, second.pieces.is_free) == (False, True)
        await second.end()
        assert await chunks(reader, 4) == [b"end", b"", b"end", b""]
        writer.close()


async def test_a_client_that_does_not_read_is_waited_for():
    async with serving() as (app, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setblocking(False)
            client.send(REQUEST)
            stream = await app.begun.get()
            await stream.send(HEAD)
            written = 0
            while stream.pieces.is_free:
                stream.pieces.write(b"x" * 60_000)
                written += 60_000
                await asyncio.sleep(0)
            # The system's buffers and 128 KiB of ours.
            assert written < 20_000_000
            read = bytearray()

            def has_read():
                read.extend(client.recv(1 << 20))
                return stream.pieces.is_free

            await until(has_read)
            await stream.end()


async def test_a_client_that_has_gone_gets_nothing():
    async with serving() as (app, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        stream = await app.begun.get()
        await stream.send(HEAD)
        writer.transport.abort()
        await until(lambda: not stream.pieces.is_free)
        stream.over.set()


async def test_a_body_of_a_given_length_is_no_stream():
    async with serving() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        stream = await app.begun.get()
        await stream.send({**HEAD, "headers": [(b"content-length", b"3")]})
        assert not stream.pieces.is_free
        await stream.end()
        assert (await asyncio.wait_for(reader.readuntil(b"end"), 5)).endswith(b"\r\n\r\nend")
        writer.close()


async def test_other_servers_have_no_pieces():
    assert not Pieces({"type": "http"}).is_free
    assert not Pieces({"type": "http", "extensions": {"http.response.debug": {}}}).is_free
