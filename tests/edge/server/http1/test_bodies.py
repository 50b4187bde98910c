"""The front door and bodies: when the application hears of a request, and answers before its body's end."""

import asyncio

import pytest

from edge.server.http1.connections import Waiting
from tests.edge.server.http1.front_door import (
    CHUNKED,
    CLOSE,
    GET,
    HALF,
    KIBIBYTE,
    POST,
    problem,
    said,
    sending,
    serving,
    status,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("raw", "rest"),
    [(HALF, b"x" * 30_000), (CHUNKED + b"5\r\nhel", b"lo\r\n0\r\n\r\n"), (CHUNKED, b"0\r\n\r\n")],
    ids=["length", "chunks", "chunks to come"],
)
async def test_the_application_hears_of_a_request_when_its_body_is_whole(parser, raw, rest):
    async with serving(parser, unheard_within=60) as app:
        reader, writer = await sending(app, raw)
        await until(lambda: app.door.waiting.held > 0)
        assert app.begun == 0
        writer.write(rest[:1])
        await writer.drain()
        writer.write(rest[1:] + GET + CLOSE)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.count(b"HTTP/1.1 200") == 2
        assert [len(body) for *_, body in app.asked] == [60_000 if raw == HALF else 5 * (b"hel" in raw), 0]
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n",
        b"Content-Length: 262145\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n"
        + b"10000\r\n"
        + bytes(65_536)
        + b"\r\n38000\r\n"
        + bytes(229_376),
    ],
    ids=["asks whether to send", "too long", "too long in chunks"],
)
async def test_a_request_that_its_body_may_refuse_is_heard_before_that_is_whole(parser, head):
    async with serving(parser, unheard_within=60) as app:
        reader, writer = await sending(app, POST.replace(b"/", b"/refused", 1) + head)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)) == 200
        # close() would wait to send what the server does not read.
        writer.transport.abort()


async def test_a_body_that_takes_its_time_is_heard_of_before_it_is_whole(parser):
    async with serving(parser, unheard_within=0.05) as app:
        reader, writer = await sending(app, HALF)
        await until(lambda: app.begun == 1)
        writer.write(b"x" * 30_000)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)) == 200
        writer.close()


async def test_a_client_that_makes_room_before_it_is_heard_is_answered_all_the_same(parser):
    async with serving(parser, unheard_within=0.3, waiting=Waiting(share=100 * KIBIBYTE)) as app:
        crowd = [await sending(app, HALF) for _ in range(4)]
        answers = [problem(await asyncio.wait_for(reader.read(), 5)) for reader, _ in crowd[:3]]
        assert answers == ["temporarily_unavailable"] * 3
        await until(lambda: app.begun == 1)
        for _, writer in crowd:
            writer.close()


async def test_a_request_that_is_half_here_when_the_server_stops_is_answered(parser):
    async with serving(parser, unheard_within=60) as app:
        reader, writer = await sending(app, HALF)
        await until(lambda: app.door.waiting.held > 0)
        app.server.should_exit = True
        await until(lambda: app.begun == 1)
        writer.write(b"x" * 30_000)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)) == 200
        writer.close()


async def test_a_client_that_waits_to_be_asked_for_a_body_is_answered_once(parser):
    """A refused client may leave the body out; its next bytes are neither the body nor another request."""
    async with serving(parser) as app:
        raw = POST.replace(b"/", b"/early", 1) + b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n"
        assert (await said(app, raw)).count(b"HTTP/1.1 ") == 1
        assert len(app.asked) == 1


async def test_a_body_that_stays_away_after_its_answer_gets_no_second_one(parser):
    async with serving(parser, body_within=0.3, unheard_within=0.1) as app:
        answer = await said(app, POST.replace(b"/", b"/early", 1) + b"Content-Length: 5\r\n\r\nhe")
        assert status(answer) == 200
        assert answer.count(b"HTTP/1.1 ") == 1
        assert not app.door.refusals.counts


async def test_a_body_that_comes_after_its_answer_leaves_no_connection_open(parser):
    async with serving(parser, head_within=0.3) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        writer.write(POST.replace(b"/", b"/early", 1) + b"Content-Length: 5\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()
