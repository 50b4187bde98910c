"""The front door before a real server, with either parser of uvicorn: slow, malformed, doubtful, too many."""

import asyncio
import json
import re
import socket
import time
from collections import Counter
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import pytest
import pytest_asyncio
import uvicorn
from structlog.testing import capture_logs
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.http.client_address import networks
from edge.server.connections import Waiting
from edge.server.door import MAX_LINGERING, Door
from edge.server.framing import MAX_CHUNKS, MAX_FIELDS
from edge.server.http1 import MAX_HEAD, protocol
from edge.server.refusals import SAID_EVERY

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
        self.begun = 0
        self.asked = []
        self.left = 0
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, scope, receive, send):
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
    app.server = server
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
    """The bytes that come back until the server closes; `raw` is sent at once or byte by byte."""
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
    [date] = re.findall(rb"\r\ndate: ([^\r]+)", head.lower())
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 5
    found = json.loads(body)
    assert found["status"] == status(answer)
    return found["code"]


CLOSE = b"Connection: close\r\n\r\n"
HALF = POST + b"Content-Length: 60000\r\n\r\n" + b"x" * 30_000
KIBIBYTE = 1024


async def sending(app, raw, address="127.0.0.1"):
    """A connection of `address` whose client has sent `raw` and waits."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port, local_addr=(address, 0))
    writer.write(raw)
    await writer.drain()
    return reader, writer


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


@pytest.mark.parametrize(
    "raw",
    {
        "too many fields": b"HEAD / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * MAX_FIELDS + b"\r\n",
        "too many bytes": b"HEAD / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * MAX_HEAD + b"\r\n\r\n",
        "a doubtful target": b"HEAD //a HTTP/1.1\r\n" + HOST + b"\r\n",
        "a bare line feed": b"HEAD / HTTP/1.1\n" + HOST + b"\r\n",
        "a body that is none": b"HEAD / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    }.items(),
    ids=lambda one: one[0],
)
async def test_nothing_follows_the_head_of_a_refusal_to_head(served, raw):
    """RFC 9110 9.3.2: a client would read it as the beginning of the next answer."""
    head, end, body = (await said(served, raw[1])).partition(b"\r\n\r\n")
    assert status(head) in (400, 431)
    assert b"content-type: application/problem+json" in head.lower()
    assert (end, body) == (b"\r\n\r\n", b"")


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


@pytest.mark.parametrize(
    "line",
    [
        b"FOO / HTTP/1.1",
        b"GET http://broker.example HTTP/1.1",
        b"GET //auth/token HTTP/1.1",
        b"GET /sessions/a%2fb HTTP/1.1",
        b"GET /auth/token#a HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
    ],
)
async def test_that_a_request_line_is_refused_can_be_read_by_a_page(line):
    async with serving(HttpToolsProtocol) as app:
        answer = await said(app, line + b"\r\n" + HOST + b"Origin: " + SITE.encode() + b"\r\n" + CLOSE)
        assert (status(answer), problem(answer)) == (400, "malformed_request")
        assert f"access-control-allow-origin: {SITE}".encode() in answer.lower()
        assert app.asked == []


async def test_a_flood_of_refusals_is_told_in_a_line_a_second_and_every_one_is_counted():
    refused = (b"GET //a HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * MAX_FIELDS)
    async with serving(HttpToolsProtocol) as app:
        with capture_logs() as lines:
            begun = asyncio.get_running_loop().time()
            answers = [await said(app, refused[number % 2] + HOST + CLOSE) for number in range(300)]
            app.door.refusals.say()
            seconds = asyncio.get_running_loop().time() - begun
    assert {status(answer) for answer in answers} == {400, 431}
    assert {line["event"] for line in lines} == {"refused_at_the_door"}
    # The first is told at once, and the last when the service ends.
    assert 2 <= len(lines) <= seconds / SAID_EVERY + 2
    assert lines[0]["counts"] == {"malformed_request": 1}
    told = sum((Counter(line["counts"]) for line in lines), Counter())
    assert told == app.door.refusals.counts == {"malformed_request": 150, "too_many_fields": 150}
    ids = [b"x-request-id: " + line["request_id"].encode() for line in lines]
    assert all(any(one in answer for answer in answers) for one in ids)


async def test_a_refusal_in_the_second_after_another_is_told_when_that_is_over():
    async with serving(HttpToolsProtocol) as app:
        with capture_logs() as lines:
            for _ in range(2):
                await said(app, b"GET //a HTTP/1.1\r\n" + HOST + CLOSE)
            await until(lambda: len(lines) == 2)
            await said(app, b"GET //a HTTP/1.1\r\n" + HOST + CLOSE)
            await until(lambda: len(lines) == 3)
    assert [line["counts"] for line in lines] == [{"malformed_request": 1}] * 3


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
async def test_what_may_be_refused_for_its_body_is_heard_before_that_is_whole(parser, head):
    async with serving(parser, unheard_within=60) as app:
        reader, writer = await sending(app, POST.replace(b"/", b"/refused", 1) + head)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)) == 200
        writer.close()


async def test_a_body_that_takes_its_time_is_heard_of_before_it_is_whole(parser):
    async with serving(parser, unheard_within=0.05) as app:
        reader, writer = await sending(app, HALF)
        await until(lambda: app.begun == 1)
        writer.write(b"x" * 30_000)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)) == 200
        writer.close()


async def test_what_makes_room_before_it_is_heard_of_is_answered_all_the_same(parser):
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
        exposed = b"access-control-expose-headers: date, retry-after, x-request-id\r\n"
        assert (exposed in answer.lower()) == is_readable
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
        # A later client that asks nothing is closed first.
        assert await said(app, b"") == b""
        app.free.set()
        assert status(await answering) == 200


async def test_the_application_hears_of_a_refusal_at_once(parser):
    async with serving(parser, linger_for=60) as app:
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


async def test_beyond_the_share_of_an_address_its_oldest_bodies_go(parser):
    async with serving(parser, waiting=Waiting(share=200 * KIBIBYTE)) as app:
        neighbour, other = await sending(app, HALF, "127.0.0.2")
        crowd = []
        for count in range(1, 5):
            crowd.append(await sending(app, HALF))
            # In the order in which they came.
            await until(
                lambda count=count: app.door.refusals.counts.total() or len(app.door.waiting) == count + 1
            )
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


async def test_beyond_the_room_of_the_process_the_oldest_bodies_go(parser):
    async with serving(parser, waiting=Waiting(limit=200 * KIBIBYTE)) as app:
        crowd = []
        for count in range(1, 5):
            crowd.append(await sending(app, HALF, f"127.0.0.{count}"))
            await until(
                lambda count=count: app.door.refusals.counts.total() or len(app.door.waiting) == count
            )
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
            writer.close()


@pytest.mark.parametrize(
    "raw",
    [b"GET / HTTP/1.1\r\nX: " + b"x" * 16_000, GET + b"\r\n" + GET + b"X: " + b"x" * 200_000],
    ids=["of a header", "behind a request that is not answered"],
)
async def test_whatever_is_kept_of_a_client_counts(parser, raw):
    async with serving(parser, waiting=Waiting(share=60 * KIBIBYTE)) as app:
        app.free.clear()
        crowd = [await sending(app, raw) for _ in range(6)]
        await until(lambda: app.door.refusals.counts["temporarily_unavailable"])
        assert app.door.waiting.held <= 60 * KIBIBYTE
        for _, writer in crowd:
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
