"""The front door before a real server, with either parser of uvicorn: slow, malformed, doubtful, too many."""

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.framing import MAX_CHUNKS, MAX_FIELDS
from edge.front_door import MAX_HEAD, MAX_LINGERING, Door, protocol

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITE = "https://owner.github.io"
HOST = b"Host: broker.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class App:
    """Answers with what it was asked; at /early before it was, at /refused before and for the last time.
    `free` keeps its answers back until it is set."""

    def __init__(self):
        self.asked = []
        self.left = 0
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
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
        if scope["path"] == "/large":
            body = bytes(8_000_000)
        await self.free.wait()
        headers = [(b"content-length", str(len(body)).encode())]
        if scope["path"] == "/refused":
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def until(holds):
    """Waits for what can only be seen by looking."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(parser, *, keep_alive=5, **options):
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
    app.door, app.port = door, server.servers[0].sockets[0].getsockname()[1]
    yield app
    app.free.set()
    server.should_exit = True
    await running


PARSERS = {"httptools": HttpToolsProtocol, "h11": H11Protocol}


@pytest.fixture(params=PARSERS.values(), ids=PARSERS)
def parser(request):
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PARSERS.values(), ids=PARSERS)
async def served(request):
    """One server for many tests that leave nothing behind."""
    async with serving(request.param) as app:
        yield app


async def said(app, raw, *, whole=True):
    """What comes back until the server closes; `raw` at once or byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    for piece in [raw] if whole else [raw[at : at + 1] for at in range(len(raw))]:
        if writer.transport.is_closing():
            break
        writer.write(piece)
        await asyncio.sleep(0)
    answer = await asyncio.wait_for(reader.read(), 15)
    writer.close()
    return answer


def status(answer):
    return int(answer.split(b" ", 2)[1])


def problem(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    assert b"x-request-id: " in head.lower()
    found = json.loads(body)
    assert found["status"] == status(answer)
    return found["code"]


CLOSE = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        (GET + CLOSE, ("GET", "/", b"")),
        (b"GET /a?b=c HTTP/1.1\r\nhOsT:broker.example:8000\r\n" + CLOSE, ("GET", "/a", b"")),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n" + CLOSE, ("GET", "/", b"")),
        (GET + b"X: caf\xe9 \t!\r\n" + CLOSE, ("GET", "/", b"")),
        (POST + b"Content-Length: 5\r\n" + CLOSE + b"hello", ("POST", "/", b"hello")),
        (POST + b"Content-Length: 0\r\n" + CLOSE, ("POST", "/", b"")),
        (POST + b"Transfer-Encoding: Chunked\r\n" + CLOSE + b"1\r\nx\r\n0\r\n\r\n", ("POST", "/", b"x")),
        (
            POST
            + b"Transfer-Encoding: chunked\r\n"
            + CLOSE
            + b"5\r\nhello\r\n00A\r\n, readers.\r\n0\r\n\r\n",
            ("POST", "/", b"hello, readers."),
        ),
    ],
)
async def test_a_good_request_is_passed_on_as_it_came(served, raw, asked, whole):
    served.asked.clear()
    answer = await said(served, raw, whole=whole)
    assert status(answer) == 200
    assert served.asked == [asked]


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (GET + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"CONNECT / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello", 400),
        (b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (GET.replace(b"\r\nHost", b"\nHost") + b"\r\n", 400),
        (GET + b"A: b\r\n c\r\n\r\n", 400),
        (GET + b"A: b\rc\r\n\r\n", 400),
        (GET + b"A: \x00\r\n\r\n", 400),
        (GET + b"A\r\n\r\n", 400),
        (GET + b": b\r\n\r\n", 400),
        (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", 400),
        (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        (POST + b"Content-Length: 5, 5\r\n\r\nhello", 400),
        (POST + b"Content-Length: +5\r\n\r\nhello", 400),
        (POST + b"Content-Length: 0x5\r\n\r\nhello", 400),
        (POST + b"Content-Length: \r\n\r\nhello", 400),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\nhello", 400),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: identity\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"-1\r\n\r\n", 400),
        (CHUNKED + b"fffffffff\r\nhello", 400),
        (CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400),
        (CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n", 400),
        (CHUNKED + b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", 400),
        (GET + b"A: " + b"x" * 17_000 + b"\r\n\r\n", 431),
        (GET + b"A: b\r\n" * 65 + b"\r\n", 431),
    ],
)
async def test_what_readers_may_read_in_two_ways_is_refused(served, raw, expected, whole):
    served.asked.clear()
    answer = await said(served, raw, whole=whole or len(raw) > 10_000)
    assert status(answer) == expected, answer
    assert problem(answer) in ("malformed_request", "header_too_large", "too_many_fields")
    assert served.asked == []


@pytest.mark.parametrize(("count", "expected"), [(MAX_FIELDS, 200), (MAX_FIELDS + 1, 431)])
async def test_a_head_has_so_many_fields(served, count, expected):
    # Two of them are Host and Connection.
    assert status(await said(served, GET + b"A: b\r\n" * (count - 2) + CLOSE)) == expected


@pytest.mark.parametrize(("size", "expected"), [(MAX_HEAD, 200), (MAX_HEAD + 1, 431)])
async def test_a_head_has_so_many_bytes_whatever_comes_behind(served, size, expected):
    head = POST + b"Content-Length: 50000\r\nConnection: close\r\nA: "
    assert (
        status(await said(served, head + b"x" * (size - len(head)) + b"\r\n\r\n" + bytes(50_000))) == expected
    )


@pytest.mark.parametrize(("count", "expected"), [(MAX_CHUNKS, 200), (MAX_CHUNKS + 1, 400)])
async def test_a_body_has_so_many_chunks(served, count, expected):
    raw = POST + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"1\r\nx\r\n" * count + b"0\r\n\r\n"
    assert status(await said(served, raw)) == expected


async def test_a_request_behind_another_waits_for_its_turn(parser):
    async with serving(parser) as app:
        app.free.clear()
        first = POST + b"Content-Length: 3\r\n\r\nabc"
        second = b"GET /second HTTP/1.1\r\n" + HOST + CLOSE
        answering = asyncio.create_task(said(app, first + second))
        await until(lambda: app.asked)
        assert app.asked == [("POST", "/", b"abc")]
        app.free.set()
        assert (await answering).count(b"HTTP/1.1 200") == 2
        assert app.asked[1] == ("GET", "/second", b"")


async def test_nothing_in_a_body_is_read_as_a_request(parser):
    inner = b"GET /inner HTTP/1.1\r\n" + HOST + b"\r\n"
    async with serving(parser) as app:
        length = b"Content-Length: %d\r\n" % len(inner)
        assert status(await said(app, POST + length + CLOSE + inner)) == 200
        assert app.asked == [("POST", "/", inner)]


@pytest.mark.parametrize("line", [b"FOO / HTTP/1.1", b"GET http://broker.example HTTP/1.1"])
async def test_what_only_the_parser_refuses_can_be_read_by_a_page(line):
    async with serving(HttpToolsProtocol) as app:
        answer = await said(app, line + b"\r\n" + HOST + b"Origin: " + SITE.encode() + b"\r\n" + CLOSE)
        assert (status(answer), problem(answer)) == (400, "malformed_request")
        assert f"access-control-allow-origin: {SITE}".encode() in answer.lower()
        assert app.asked == []


async def test_the_last_answer_reaches_who_is_still_sending(parser):
    def send_all_and_read(port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            raw = POST.replace(b"/", b"/refused", 1) + b"Content-Length: 8000000\r\n\r\n" + bytes(8_000_000)
            client.sendall(raw)
            return client.recv(65_536), client.recv(65_536)

    async with serving(parser) as app:
        answer, end = await asyncio.to_thread(send_all_and_read, app.port)
        assert status(answer) == 200
        assert end == b""


async def test_who_waits_to_be_asked_for_a_body_is_answered_once(parser):
    """Refused, it may leave the body out; what it says next is neither that nor another request."""
    async with serving(parser) as app:
        raw = POST.replace(b"/", b"/early", 1) + b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n"
        assert (await said(app, raw)).count(b"HTTP/1.1 ") == 1
        assert len(app.asked) == 1


async def test_a_body_that_stays_away_after_its_answer_gets_no_second_one(parser):
    async with serving(parser, body_within=0.3) as app:
        answer = await said(app, POST.replace(b"/", b"/early", 1) + b"Content-Length: 5\r\n\r\nhe")
        assert status(answer) == 200
        assert answer.count(b"HTTP/1.1 ") == 1
        assert not app.door.refusals


async def test_a_body_that_comes_after_its_answer_leaves_no_connection_open(parser):
    async with serving(parser, head_within=0.3) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        writer.write(POST.replace(b"/", b"/early", 1) + b"Content-Length: 5\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()


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
async def test_an_answer_that_nobody_reads_leaves_no_connection_open(parser, how, leaves):
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


@pytest.mark.parametrize(("origin", "is_readable"), [(SITE, True), ("https://evil.example", False)])
async def test_a_page_of_a_site_can_read_the_refusal(parser, origin, is_readable):
    async with serving(parser, body_within=0.2) as app:
        answer = await said(app, POST + f"Origin: {origin}\r\nContent-Length: 5\r\n\r\nhe".encode())
        assert status(answer) == 408
        assert (f"access-control-allow-origin: {origin}".encode() in answer.lower()) == is_readable
        assert b"vary: origin" in answer.lower()


async def test_who_waits_makes_room_for_who_works(parser):
    async with serving(parser, limit=3) as app:
        idle = [await asyncio.open_connection("127.0.0.1", app.port) for _ in range(3)]
        await until(lambda: app.door.open == 3)
        assert status(await said(app, GET + CLOSE)) == 200
        # The one that had waited longest went, and was told why.
        assert problem(await asyncio.wait_for(idle[0][0].read(), 5)) == "temporarily_unavailable"
        for _, writer in idle:
            writer.close()


async def test_who_was_answered_and_asks_no_more_makes_room(parser):
    async with serving(parser, limit=1) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        writer.write(GET + b"\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        assert status(await said(app, GET + CLOSE)) == 200
        writer.close()


async def test_an_answer_may_take_longer_than_a_request(parser):
    async with serving(parser, head_within=0.2, body_within=0.2) as app:
        app.free.clear()
        answering = asyncio.create_task(said(app, GET + CLOSE))
        await until(lambda: app.asked)
        # Who comes later and asks nothing is let go first.
        assert await said(app, b"") == b""
        app.free.set()
        assert status(await answering) == 200


async def test_the_application_hears_of_a_refusal_at_once(parser, monkeypatch):
    monkeypatch.setattr("edge.sending.LINGER", 60)
    async with serving(parser) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        writer.write(POST + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        # It has begun to listen.
        assert status(await reader.readuntil(b"\r\n\r\n")) == 100
        writer.write(b"nonsense\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == 400
        await until(lambda: app.left == 1)
        writer.close()


async def test_who_was_refused_makes_room_at_once(parser):
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


async def test_a_flood_of_the_refused_takes_few_files(parser, monkeypatch):
    monkeypatch.setattr("edge.sending.LINGER", 60)
    async with serving(parser, limit=2) as app:
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


async def test_a_connection_is_used_again_and_counted_once(parser):
    async with serving(parser) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        for number in range(20):
            writer.write(POST + b"Content-Length: 2\r\n\r\n%02d" % number)
            head = await reader.readuntil(b"\r\n\r\n")
            assert status(head) == 200
            assert await reader.readexactly(2) == b"%02d" % number
        assert app.door.open == 1
        writer.close()
        await until(lambda: app.door.open == 0)
        assert not app.door.waiting
