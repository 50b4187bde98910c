"""One worker as its parent has it: in a inherited, told to retire, and left alone."""

import asyncio
import contextlib
import socket

import pytest

from edge.server.acceptor import CountedDoor
from edge.server.inherited import MEASURE, READY, RETIRE, Inherited, Shares, listen
from edge.server.server import ANSWERS_WITHIN, Served, Server
from edge.server.watchdog import Watchdog
from edge.telemetry.metrics import Metrics, load
from tests.chat_proxy.waiting import until
from tests.ports import free_ports

HEAD = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"


class Worker:
    """`/slow` answers when it is let go; whatever else at once, and 503 once it drains."""

    port: int
    said: asyncio.StreamReader
    control: asyncio.StreamWriter

    def __init__(self):
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()
        self.drained = []

    async def answer(self, scope, send):
        assert scope["type"] == "http"
        if scope["path"] == "/slow":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"so", "more_body": True})
            await self.go_on.wait()
            await send({"type": "http.response.body", "body": b"so"})
        else:
            is_unready = scope["path"] == "/readyz" and not self.go_on.is_set()
            self.asked.set()
            status = 503 if self.drained or is_unready else 200
            length = [(b"content-length", b"2")]
            await send({"type": "http.response.start", "status": status, "headers": length})
            await send({"type": "http.response.body", "body": b"ok"})

    async def drain(self, limit):
        self.drained.append(limit)

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def is_gone(self):
        """Return True if no process listens."""
        try:
            _, writer = await self.connect()
        except OSError:
            return True
        writer.close()
        return False


@contextlib.asynccontextmanager
async def inheriting(*, is_taken=False, **options):
    worker, ours, theirs = Worker(), *socket.socketpair()
    [worker.port] = free_ports(1)
    shares = Shares.make(2)
    inherited = Inherited(
        listen("127.0.0.1", worker.port).detach(), theirs.detach(), shares.fd, 0, 0, is_taken
    )
    door = CountedDoor(lambda _: True)

    async def app(scope, receive, send):
        await worker.answer(scope, send)

    served = Served(app, door, Metrics(), address=("127.0.0.1", 0), graceful=1, drain=worker.drain)
    server = Server(served, inherited, None, Watchdog(ends=False), **options)
    serve = asyncio.create_task(server.serve())
    worker.said, worker.control = await asyncio.open_unix_connection(sock=ours)
    try:
        async with asyncio.timeout(10):
            if not is_taken:
                assert await worker.said.readline() == READY
            yield worker
            await serve
    finally:
        worker.control.close()
        serve.cancel()
        await asyncio.gather(serve, return_exceptions=True)


async def answer(reader, length=2):
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(length)


async def test_a_connection_that_was_busy_when_its_worker_retired_is_answered_once_more():
    async with inheriting(quiet_within=0) as worker:
        reader, writer = await worker.connect()
        writer.write(HEAD % b"/slow")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head.lower()
        worker.control.write(RETIRE)
        await until(worker.is_gone, 3)
        worker.go_on.set()
        assert await reader.readexactly(4) == b"soso"
        writer.write(HEAD % b"/next")
        head, body = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in head.lower()
        assert body == b"ok"
        assert await reader.read() == b""
        writer.close()
    assert worker.drained == [0]


async def test_an_answer_that_does_not_end_is_drained_without_further_patience():
    async with inheriting(quiet_within=0, answers_within=0.1) as worker:
        reader, writer = await worker.connect()
        writer.write(HEAD % b"/slow")
        await reader.readuntil(b"\r\n\r\n")
        worker.control.write(RETIRE)
    assert worker.drained == [0]
    writer.close()


async def test_requests_that_were_sent_together_are_answered_or_told_that_they_are_not():
    """RFC 9112 9.3.2 and 9.6: behind the answer that says close there is none, and a client sends again."""
    async with inheriting() as worker:
        reader, writer = await worker.connect()
        writer.write(HEAD % b"/slow")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD % b"/second" + HEAD % b"/third")
        worker.control.write(RETIRE)
        await until(worker.is_gone, 3)
        worker.go_on.set()
        assert await reader.readexactly(4) == b"soso"
        head, _ = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in head.lower()
        assert await reader.read() == b""
        writer.close()


async def test_without_a_parent_it_stops_listening_and_ends_what_it_has_begun():
    async with inheriting() as worker:
        reader, writer = await worker.connect()
        writer.write(HEAD % b"/slow")
        await reader.readuntil(b"\r\n\r\n")
        worker.control.close()
        await until(worker.is_gone, 3)
        worker.go_on.set()
        assert await reader.readexactly(4) == b"soso"
        writer.close()
    assert worker.drained == [ANSWERS_WITHIN]


@pytest.mark.parametrize("count", [1, 3])
async def test_it_says_what_it_counts_as_often_as_it_is_asked_and_in_the_end(count):
    async with inheriting() as worker:
        for _ in range(count):
            worker.control.write(MEASURE)
            assert "chatgate_responses_total" in load(await worker.said.readline())
        worker.control.write(RETIRE)
        assert "chatgate_responses_total" in load(await worker.said.readline())


async def test_beside_a_serving_process_it_waits_until_it_can_serve_too():
    async with inheriting(is_taken=True) as worker:
        await worker.asked.wait()
        reader, writer = await worker.connect()
        writer.write(HEAD % b"/next")
        heard = asyncio.create_task(answer(reader))
        worker.asked.clear()
        await worker.asked.wait()
        # It is the other one's to answer.
        assert not heard.done()
        worker.go_on.set()
        assert await worker.said.readline() == READY
        head, _ = await heard
        assert head.startswith(b"HTTP/1.1 200 ")
        writer.close()
        worker.control.write(RETIRE)


async def test_it_does_not_wait_when_its_parent_has_gone():
    async with inheriting(is_taken=True) as worker:
        await worker.asked.wait()
        worker.control.close()
