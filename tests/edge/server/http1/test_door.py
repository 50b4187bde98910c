"""The room of the front door: connections and bytes that it holds, and the one that it drops for another."""

import asyncio
import contextlib
import socket
from functools import partial

import pytest

from edge.http.client_address import networks
from edge.server.http1.connections import Waiting
from edge.server.http1.door import MAX_LINGERING
from tests.edge.server.http1.front_door import (
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


async def test_waiting_connections_make_room_for_working_ones(parser):
    async with serving(parser, limit=3) as app:
        idle = [await asyncio.open_connection("127.0.0.1", app.port) for _ in range(3)]
        await until(lambda: app.door.open == 3)
        assert status(await said(app, GET + CLOSE)) == 200
        # The one that had waited longest went, and was told why.
        assert problem(await asyncio.wait_for(idle[0][0].read(), 5)) == "temporarily_unavailable"
        for _, writer in idle:
            writer.close()


async def test_a_client_that_was_answered_and_asks_no_more_makes_room(parser):
    async with serving(parser, limit=1) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        writer.write(GET + b"\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        assert status(await said(app, GET + CLOSE)) == 200
        writer.close()


async def test_a_refused_client_makes_room_at_once(parser):
    """Though its connection is there for a moment more."""
    async with serving(parser, limit=2) as app:
        refused, idle = [await asyncio.open_connection("127.0.0.1", app.port) for _ in range(2)]
        refused[1].write(b"nonsense\r\n\r\n")
        assert status(await refused[0].readuntil(b"\r\n\r\n")) == 400
        assert status(await said(app, GET + CLOSE)) == 200
        idle[1].write(GET + CLOSE)
        assert status(await idle[0].read()) == 200
        refused[1].close()
        idle[1].close()


async def test_a_flood_of_the_refused_takes_few_files(parser):
    async with serving(parser, limit=2, linger_for=60) as app:
        crowd = [await asyncio.open_connection("127.0.0.1", app.port) for _ in range(2 + 2 * MAX_LINGERING)]
        await until(lambda: app.door.open == 2 + MAX_LINGERING)
        # Two are served; each of the others was told so, whether it may linger or not.
        assert len(app.door.waiting) == 2
        answers = await asyncio.gather(*(reader.read() for reader, _ in crowd[:-2]))
        assert {status(answer) for answer in answers} == {503}
        for _, writer in crowd:
            writer.close()
        await until(lambda: app.door.open == 0)


async def test_where_everybody_works_a_newcomer_is_told_to_come_again(parser):
    async with serving(parser, limit=2) as app:
        app.free.clear()
        working = [asyncio.create_task(said(app, GET + CLOSE)) for _ in range(2)]
        await until(lambda: len(app.asked) == 2)
        answer = await said(app, GET + CLOSE)
        assert status(answer) == 503
        assert b"retry-after: 1" in answer.lower()
        app.free.set()
        assert [status(answer) for answer in await asyncio.gather(*working)] == [200, 200]


def _has_room_no_more(app, waiting):
    return app.door.refusals.counts.total() or len(app.door.waiting) == waiting


async def test_beyond_the_share_of_an_address_its_oldest_bodies_go(parser):
    async with serving(parser, waiting=Waiting(share=200 * KIBIBYTE)) as app:
        neighbour, other = await sending(app, HALF, "127.0.0.2")
        crowd = []
        for count in range(1, 5):
            crowd.append(await sending(app, HALF))
            # In the order in which they came.
            await until(partial(_has_room_no_more, app, count + 1))
        assert problem(await asyncio.wait_for(crowd[0][0].read(), 5)) == "temporarily_unavailable"
        assert problem(await asyncio.wait_for(crowd[1][0].read(), 5)) == "temporarily_unavailable"
        # A client that sends a body without waiting is served meanwhile, from the same address too.
        whole = POST + b"Content-Length: 30000\r\n" + CLOSE + b"x" * 30_000
        assert status(await said(app, whole)) == 200
        for reader, writer in (crowd[-1], (neighbour, other)):
            writer.write(b"x" * 30_000)
            assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        for _, writer in (*crowd, (neighbour, other)):
            writer.close()
        await until(lambda: app.door.open == 0)
        assert app.door.waiting.held == 0


async def test_a_request_that_makes_room_by_going_itself_is_not_begun(parser):
    async with serving(parser, waiting=Waiting(share=24 * KIBIBYTE)) as app:
        oldest, asks_on = await sending(app, GET + b"\r\n")
        assert status(await oldest.readuntil(b"\r\n\r\n")) == 200
        _, neighbour = await sending(app, b"GET / HTTP/1.1\r\nX: " + b"x" * 13_000)
        await until(lambda: app.door.waiting.held > 18_000)
        # The application hears at once of a client that waits to be asked for its body.
        early = POST.replace(b"/", b"/early", 1) + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        asks_on.write(early)
        assert problem(await asyncio.wait_for(oldest.read(), 5)) == "temporarily_unavailable"
        assert app.begun == 1
        for writer in (asks_on, neighbour):
            writer.close()
        await until(lambda: app.door.open == 0)
        assert app.failures == []


async def test_beyond_the_room_of_the_process_the_oldest_bodies_go(parser):
    async with serving(parser, waiting=Waiting(limit=200 * KIBIBYTE)) as app:
        crowd = []
        for count in range(1, 5):
            crowd.append(await sending(app, HALF, f"127.0.0.{count}"))
            await until(partial(_has_room_no_more, app, count))
        assert problem(await asyncio.wait_for(crowd[0][0].read(), 5)) == "temporarily_unavailable"
        assert app.door.waiting.held <= 200 * KIBIBYTE
        for _, writer in crowd:
            writer.close()


async def test_behind_a_reverse_proxy_each_reader_has_a_share(parser):
    trusted = networks(["127.0.0.0/8"])
    async with serving(parser, waiting=Waiting(share=120 * KIBIBYTE), trusted=trusted) as app:

        def of(reader):
            return HALF.replace(b"\r\n", f"\r\nX-Forwarded-For: 192.0.2.{reader}\r\n".encode(), 1)

        crowd = [await sending(app, of(reader)) for reader in (1, 2, 3)]
        await until(lambda: app.door.waiting.held > 210 * KIBIBYTE)
        assert not app.door.refusals.counts
        crowd.append(await sending(app, of(1)))
        assert problem(await asyncio.wait_for(crowd[0][0].read(), 5)) == "temporarily_unavailable"
        for reader, writer in crowd[1:]:
            writer.write(b"x" * 30_000)
            assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        for _, writer in crowd:
            writer.close()


@pytest.mark.parametrize(
    "raw",
    [b"GET / HTTP/1.1\r\nX: " + b"x" * 16_000, GET + b"\r\n" + GET + b"X: " + b"x" * 200_000],
    ids=["of a header", "behind a request that is not answered"],
)
async def test_all_bytes_that_are_kept_of_a_client_count(parser, raw):
    async with serving(parser, waiting=Waiting(share=60 * KIBIBYTE)) as app:
        app.free.clear()
        crowd = [await sending(app, raw) for _ in range(6)]
        await until(lambda: app.door.refusals.counts["temporarily_unavailable"])
        assert app.door.waiting.held <= 60 * KIBIBYTE
        for _, writer in crowd:
            writer.close()


def _were_asked(app, count):
    return len(app.asked) >= count


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "half closed"])
@pytest.mark.parametrize(
    "how", [CLOSE, b"\r\n", b"\r\n" + GET + b"\r\n"], ids=["close", "keep-alive", "asks on"]
)
async def test_answers_that_nobody_reads_count_until_they_are_gone(parser, how, leaves):
    share = 9_000_000
    async with serving(parser, waiting=Waiting(share=share), linger_for=0.1, keep_alive=1) as app:
        # More than the system takes for each, so that the server holds half of it or more.
        app.large = 8_000_000
        with contextlib.ExitStack() as crowd:
            for count in (1, 2, 3):
                client = crowd.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", app.port))
                client.send(GET.replace(b"/", b"/large", 1) + how)
                await until(partial(_were_asked, app, count))
                if leaves:
                    client.shutdown(socket.SHUT_WR)
            await until(lambda: app.door.open < 3)
            # The connections that stay are still counted, though they are closed but for what they send.
            await asyncio.sleep(0.3)
            assert 3_000_000 < app.door.waiting.held <= share
        await until(lambda: app.door.open == 0)
        assert app.door.waiting.held == 0


async def test_a_client_that_reads_on_makes_room(parser):
    async with serving(parser) as app:
        reader, writer = await sending(app, GET.replace(b"/", b"/large", 1) + b"\r\n")
        await until(lambda: app.door.waiting.held > 3_000_000)
        assert len(await reader.readuntil(b"\r\n\r\n")) > 0
        await reader.readexactly(app.large)
        await until(lambda: app.door.waiting.held < 10_000)
        writer.close()


async def test_a_body_that_was_answered_unread_is_let_go(parser):
    async with serving(parser) as app:
        early = HALF.replace(b"/", b"/early", 1)
        crowd = [await sending(app, early) for _ in range(4)]
        for reader, _ in crowd:
            assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        # Less for all of them than a single body has.
        assert app.door.waiting.held < 30_000
        for _, writer in crowd:
            writer.close()
