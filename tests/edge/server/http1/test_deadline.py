"""The deadlines of the front door for heads, bodies and clients that do not read."""

import asyncio
import socket
import time

import pytest

from tests.edge.server.http1.front_door import (
    CHUNKED,
    CLOSE,
    GET,
    POST,
    problem,
    said,
    serving,
    status,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: a", "request_timeout"),
        (POST + b"Content-Length: 5\r\n\r\nhe", "request_timeout"),
        (CHUNKED + b"5\r\nhe", "request_timeout"),
        (CHUNKED, "request_timeout"),
    ],
)
async def test_a_request_that_does_not_arrive_is_answered_and_closed(parser, raw, code):
    async with serving(parser, head_within=0.3, body_within=0.3) as app:
        begun = time.monotonic()
        answer = await said(app, raw)
        assert status(answer) == 408
        assert problem(answer) == code
        assert 0.25 < time.monotonic() - begun < 3
        assert app.asked == []


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "half closed"])
@pytest.mark.parametrize(
    "how", [CLOSE, b"\r\n", b"\r\n" + GET + b"\r\n"], ids=["close", "keep-alive", "asks on"]
)
async def test_an_unread_answer_leaves_no_connection_open(parser, how, leaves):
    async with serving(parser, unread_within=0.3, keep_alive=1) as app:
        app.free.clear()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", app.port))
            client.send(GET.replace(b"/", b"/large", 1) + how)
            await until(lambda: app.asked)
            app.free.set()
            if leaves:
                client.shutdown(socket.SHUT_WR)
            await until(lambda: app.door.open == 0)


async def test_a_dribble_does_not_put_the_deadline_off(parser):
    async with serving(parser, head_within=0.4) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        begun = time.monotonic()

        async def dribble():
            for letter in b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200:
                writer.write(bytes([letter]))
                await asyncio.sleep(0.02)

        dribbling = asyncio.create_task(dribble())
        answer = await asyncio.wait_for(reader.read(), 5)
        assert status(answer) == 408
        assert time.monotonic() - begun < 2
        dribbling.cancel()
        writer.close()


async def test_a_connection_that_asks_nothing_is_closed_without_a_word(parser):
    async with serving(parser, head_within=0.2) as app:
        assert await said(app, b"") == b""


async def test_an_answer_may_take_longer_than_a_request(parser):
    async with serving(parser, head_within=0.2, body_within=0.2) as app:
        app.free.clear()
        answering = asyncio.create_task(said(app, GET + CLOSE))
        await until(lambda: app.asked)
        # A later client that asks nothing is closed first.
        assert await said(app, b"") == b""
        app.free.set()
        assert status(await answering) == 200
