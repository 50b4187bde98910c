"""Clients that end their own side of a connection, on both event loops: each ends a half-closed one in its
own way."""

import asyncio
import contextlib
import socket
import time

import pytest
import uvloop

from tests.edge.server.http1.front_door import CLOSE, GET, serving, until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=list(LOOPS.values()), ids=list(LOOPS))
def runner(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def room_of_the_system():
    """Bytes that the kernel takes for a client that reads none of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener, unread() as client:
        client.connect(listener.getsockname())
        with listener.accept()[0] as server:
            server.setblocking(False)
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while True:
                    taken += server.send(bytes(65_536))
            return taken


def unread():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return client


@contextlib.asynccontextmanager
async def lingering(app):
    """A client that has not read the last answer of a connection, which lingers."""
    # The rest, which the server holds, is too little for flow control to stop the answer.
    app.large = room_of_the_system() + 30_000
    with unread() as client:
        client.connect(("127.0.0.1", app.port))
        client.send(GET.replace(b"/", b"/large", 1) + CLOSE)
        await until(lambda: app.door.lingering)
        yield client


def test_one_who_leaves_after_the_last_answer_and_reads_nothing_is_not_kept(parser, runner):
    async def leave():
        async with (
            serving(parser, unread_within=0.3, linger_for=0.5) as app,
            lingering(app) as client,
        ):
            client.shutdown(socket.SHUT_WR)
            await until(lambda: app.door.open == 0)
            assert not app.door.lingering

    runner.run(leave())


def test_one_who_leaves_while_an_answer_begins_breaks_nothing(parser, runner):
    async def leave():
        async with serving(parser) as app:
            app.free.clear()
            with socket.create_connection(("127.0.0.1", app.port)) as client:
                client.send(GET + CLOSE)
                await until(lambda: app.asked)
                # The answer begins in the turn of the event loop that also hears of the end.
                app.free.set()
                client.shutdown(socket.SHUT_WR)
                await until(lambda: app.door.open == 0)
            assert not app.failures

    runner.run(leave())


def test_one_who_reads_nothing_keeps_no_place_among_those_that_linger(parser, runner):
    async def stay():
        async with serving(parser, unread_within=3, linger_for=0.3) as app, lingering(app):
            begun = time.monotonic()
            await until(lambda: not app.door.lingering)
            assert time.monotonic() - begun < 2
            assert app.door.open == 1

    runner.run(stay())


@pytest.mark.parametrize("leave", [socket.socket.close, lambda client: client.shutdown(socket.SHUT_WR)])
def test_one_who_has_asked_on_is_heard_to_leave(parser, runner, leave):
    async def ask_on():
        async with serving(parser) as app:
            app.free.clear()
            with socket.create_connection(("127.0.0.1", app.port)) as client:
                client.send(GET + b"\r\n")
                await until(lambda: app.asked)
                client.send(GET + b"\r\n")
                await until(lambda: app.door.waiting.held)
                leave(client)
                # The first answer is not there yet.
                await until(lambda: app.door.open == 0)
                assert len(app.asked) == 1

    runner.run(ask_on())


def test_an_answer_ends_when_the_one_who_does_not_read_it_leaves(parser, runner):
    async def leave():
        async with serving(parser) as app:
            with unread() as client:
                client.connect(("127.0.0.1", app.port))
                client.send(GET.replace(b"/", b"/endless", 1) + b"\r\n")
                # The connection itself would be there for the time that a client has to read on.
                await until(lambda: app.door.waiting.held)
                client.shutdown(socket.SHUT_WR)
                await until(lambda: app.left)
                assert app.door.open == 1
            await until(lambda: app.door.open == 0)

    runner.run(leave())
