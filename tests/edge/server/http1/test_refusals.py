"""The refusals of the front door: readable by a page, received by the client, logged and counted."""

import asyncio
import socket
from collections import Counter

import pytest
from structlog.testing import capture_logs
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.server.http1.framing import MAX_FIELDS, MAX_HEAD
from edge.server.http1.refusals import SAID_EVERY
from tests.edge.server.http1.front_door import (
    CLOSE,
    GET,
    HOST,
    POST,
    SITE,
    problem,
    said,
    serving,
    status,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


@pytest.mark.parametrize(("origin", "is_readable"), [(SITE, True), ("https://evil.example", False)])
async def test_a_page_of_a_site_can_read_the_refusal(parser, origin, is_readable):
    async with serving(parser, body_within=0.2) as app:
        answer = await said(app, POST + f"Origin: {origin}\r\nContent-Length: 5\r\n\r\nhe".encode())
        assert status(answer) == 408
        assert (f"access-control-allow-origin: {origin}".encode() in answer.lower()) == is_readable
        exposed = b"access-control-expose-headers: date, retry-after, x-request-id\r\n"
        assert (exposed in answer.lower()) == is_readable
        assert b"vary: origin" in answer.lower()


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


async def test_the_last_answer_reaches_who_sends_a_request_too_many(parser):
    """Clients of event loops drop an answer that they have not read once a write fails."""

    def send_on_after_the_end(port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(GET + CLOSE)
            answer = b"".join(iter(lambda: client.recv(65_536), b""))
            for _ in range(2):
                client.sendall(GET + CLOSE)
            return answer

    async with serving(parser, linger_for=60) as app:
        answer = await asyncio.to_thread(send_on_after_the_end, app.port)
        assert status(answer) == 200
        await until(lambda: app.door.open == 0)
        assert len(app.asked) == 1


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


# In a loop of its own, where no other door has a line to write yet.
@pytest.mark.asyncio(loop_scope="function")
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


# As above.
@pytest.mark.asyncio(loop_scope="function")
async def test_a_refusal_in_the_second_after_another_is_told_when_that_is_over():
    async with serving(HttpToolsProtocol) as app:
        with capture_logs() as lines:
            for _ in range(2):
                await said(app, b"GET //a HTTP/1.1\r\n" + HOST + CLOSE)
            await until(lambda: len(lines) == 2)
            await said(app, b"GET //a HTTP/1.1\r\n" + HOST + CLOSE)
            await until(lambda: len(lines) == 3)
    assert [line["counts"] for line in lines] == [{"malformed_request": 1}] * 3
