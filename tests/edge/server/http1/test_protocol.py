"""The form of requests at the front door: good ones pass as they came, doubtful ones are refused."""

import asyncio

import pytest

from edge.server.http1.framing import MAX_CHUNKS, MAX_FIELDS, MAX_HEAD
from tests.edge.server.http1.front_door import (
    CHUNKED,
    CLOSE,
    GET,
    HOST,
    POST,
    problem,
    said,
    serving,
    status,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
async def test_json_that_parsers_read_in_two_ways_is_refused(served, raw, expected, whole):
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
