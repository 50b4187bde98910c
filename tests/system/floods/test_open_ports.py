"""Rows 11, 34, 35, 38 and 47 at both services as they are run: what arrives slowly, in two readings, too
large, or for what is not there."""

import asyncio
import json
import resource
import time
from email.utils import parsedate_to_datetime

import pytest

from edge.server.http1.door import BODY_WITHIN, HEAD_WITHIN
from tests.missing import cannot
from tests.system.stack import PAGE, Reader

pytestmark = pytest.mark.system

SERVICES = ["broker", "chat_proxy"]
CHANGED_BY = {"broker": "/api/auth/sign-in/email", "chat_proxy": "/chat"}
LIMIT = {"broker": 65_536, "chat_proxy": 262_144}
HOST = b"Host: chat.example\r\n"
ORIGIN = f"Origin: {PAGE}\r\n".encode()
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CLOSE = b"Connection: close\r\n\r\n"
IDLE = 5_000


@pytest.fixture(scope="module", autouse=True)
def usual_limit():
    """The services begin with as many open files as most systems give."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(params=SERVICES)
def service(two_sites, request):
    return request.param


@pytest.fixture(scope="module")
def reader(two_sites):
    reader = Reader(two_sites.broker, two_sites.proxy).sign_up()
    assert reader.get_token().status_code == 200
    return reader


def post(service, *fields, path=None):
    return b"".join([f"POST {path or CHANGED_BY[service]} HTTP/1.1\r\n".encode(), HOST, *fields])


def bearer(reader):
    return f"Authorization: Bearer {reader.token}\r\n".encode()


async def connect(stack, service):
    return await asyncio.open_connection("127.0.0.1", stack.ports[service])


async def said(stack, service, raw, *, within=10):
    """All that comes back until the service hangs up."""
    reader, writer = await connect(stack, service)
    writer.write(raw)
    try:
        async with asyncio.timeout(within):
            return await reader.read()
    finally:
        # A service that refuses a body reads no more of it: close() would wait to send the rest.
        writer.transport.abort()


def parsed(answer):
    """The status, the fields and the body of one answer, after which there is nothing."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
    assert int(found["content-length"]) == len(body), "something follows the answer"
    assert abs(parsedate_to_datetime(found["date"]).timestamp() - time.time()) < 5
    return int(line.split()[1]), found, body


def code(body):
    found = json.loads(body)
    return found["code"].lower()


async def lives(stack, service):
    status, _, _ = parsed(await said(stack, service, b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE))
    return status == 200


# A request that would be answered if anything after the first message was read as one.
SMUGGLED = b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE
EMPTY_CHUNKS = b"0\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    {
        "both lengths": (b"Content-Length: 5\r\n" + CHUNKED, EMPTY_CHUNKS),
        "both lengths, the other way round": (CHUNKED + b"Content-Length: 5\r\n", EMPTY_CHUNKS),
        "two equal lengths": (b"Content-Length: 2\r\n" * 2, b"{}"),
        "two lengths": (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"{}"),
        "two lengths in one field": (b"Content-Length: 2, 2\r\n", b"{}"),
        "a signed length": (b"Content-Length: +2\r\n", b"{}"),
        "two encodings": (CHUNKED * 2, EMPTY_CHUNKS),
        "an encoding before the chunks": (b"Transfer-Encoding: gzip, chunked\r\n", EMPTY_CHUNKS),
        "an unknown encoding": (b"Transfer-Encoding: xchunked\r\n", EMPTY_CHUNKS),
        "a space before the colon": (b"Content-Length : 2\r\n", b"{}"),
        "a size that is no number": (CHUNKED, b"0x2\r\n{}\r\n" + EMPTY_CHUNKS),
        "a negative size": (CHUNKED, b"-2\r\n{}\r\n" + EMPTY_CHUNKS),
        "a size beyond 32 bits": (CHUNKED, b"100000002\r\n{}\r\n" + EMPTY_CHUNKS),
        "a chunk longer than its size": (CHUNKED, b"2\r\n{}{}\r\n" + EMPTY_CHUNKS),
        "a bare line feed after a size": (CHUNKED, b"2\n{}\r\n" + EMPTY_CHUNKS),
        "an extension": (CHUNKED, b"2;a=b\r\n{}\r\n" + EMPTY_CHUNKS),
        "a trailer": (CHUNKED, b"0\r\nX: y\r\n\r\n"),
        "a bare line feed": (b"X: y\nContent-Length: 2\r\n", b"{}"),
        "a folded line": (b"Authorization: Bearer a\r\n b\r\n", b""),
        "a NUL in Authorization": (b"Authorization: Bearer \0\r\n", b""),
        "a second Host": (HOST, b""),
        "h2c": (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", b""),
        "a WebSocket": (b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b""),
    }.items(),
    ids=lambda one: one[0],
)
async def test_an_ambiguous_request_is_refused_and_its_connection_closed(two_sites, service, message):
    _, (fields, body) = message
    answer = await said(two_sites, service, post(service, JSON, fields, b"\r\n", body) + SMUGGLED)
    status, found, body = parsed(answer)
    assert (status, code(body)) == (400, "malformed_request"), answer
    assert found["connection"] == "close"
    assert await lives(two_sites, service)


@pytest.mark.parametrize(
    "line",
    [b"PRI * HTTP/2.0", b"GET /healthz HTTP/0.9", b"GET /healthz HTTP/2.0", b"GET  /healthz HTTP/1.1"],
)
async def test_a_request_that_is_not_http_1_is_refused(two_sites, service, line):
    status, _, body = parsed(await said(two_sites, service, line + b"\r\n" + HOST + b"\r\n" + SMUGGLED))
    assert (status, code(body)) == (400, "malformed_request")


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_request_in_a_body_is_text(two_sites, service, is_chunked):
    """The answer is there before the body is looked at, and the body's question is not asked."""
    inner = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    fields, body = b"Content-Length: %d\r\n" % len(inner), inner
    if is_chunked:
        fields, body = CHUNKED, b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    outer = post(service, fields, b"\r\n", path="/nothing/here") + body
    behind = b"GET /nothing/behind HTTP/1.1\r\n" + HOST + CLOSE
    answer = await said(two_sites, service, outer + behind)
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 404 ") == 2, answer


@pytest.mark.parametrize(
    "line", [b"TRACE /auth/token", b"TRACE /chat", b"TRACE /healthz", b"CONNECT chat.example:443"]
)
async def test_no_request_is_reflected_or_tunnelled(two_sites, service, line):
    raw = line + b" HTTP/1.1\r\n" + HOST + b"X-Canary: canary\r\n" + CLOSE
    status, found, body = parsed(await said(two_sites, service, raw))
    assert status in (400, 404, 405)
    assert (status == 400) == line.startswith(b"CONNECT")
    assert found["content-type"] == "application/problem+json"
    assert b"canary" not in body


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics", "/debug", "/.env"])
async def test_nothing_of_the_inside_is_on_the_open_port(two_sites, service, path):
    raw = f"GET {path} HTTP/1.1\r\n".encode() + HOST + CLOSE
    status, _, body = parsed(await said(two_sites, service, raw))
    assert (status, code(body)) == (404, "not_found")


@pytest.mark.parametrize("expects", [True, False])
async def test_a_body_that_says_it_is_too_large_is_refused_unread(two_sites, service, reader, expects):
    fields = [JSON, ORIGIN, bearer(reader), b"Content-Length: %d\r\n" % (LIMIT[service] + 1)]
    if expects:
        fields.append(b"Expect: 100-continue\r\n")
    # Not a byte of the body is sent, and the answer is there all the same.
    status, found, body = parsed(await said(two_sites, service, post(service, *fields, b"\r\n")))
    assert (status, code(body)) == (413, "body_too_large")
    assert found["connection"] == "close"
    assert found["access-control-allow-origin"] == PAGE


async def test_a_body_that_is_waited_for_is_asked_for(two_sites, service, reader):
    """Expect: 100-continue with a body that may come."""
    asked, writer = await connect(two_sites, service)
    fields = [JSON, ORIGIN, bearer(reader), b"Content-Length: 2\r\nExpect: 100-continue\r\n"]
    writer.write(post(service, *fields, CLOSE))
    async with asyncio.timeout(10):
        assert await asked.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        status, _, _ = parsed(await asked.read())
    assert status in (400, 422)
    writer.close()


async def test_a_body_in_chunks_is_counted_while_it_comes(two_sites, service, reader):
    asked, writer = await connect(two_sites, service)
    writer.write(post(service, JSON, ORIGIN, bearer(reader), CHUNKED, b"\r\n"))
    chunk = b"2000\r\n" + b" " * 8192 + b"\r\n"
    for _ in range(LIMIT[service] // 8192):
        writer.write(chunk)
    await writer.drain()
    # One byte more than may be: the answer comes though the last chunk does not.
    writer.write(b"1\r\n \r\n")
    async with asyncio.timeout(10):
        status, found, body = parsed(await asked.read())
    writer.close()
    assert (status, code(body)) == (413, "body_too_large")
    assert found["connection"] == "close"
    assert found["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"identity, gzip"])
async def test_an_encoded_body_is_not_inflated(two_sites, service, reader, encoding):
    fields = [JSON, ORIGIN, bearer(reader), b"Content-Encoding: " + encoding + b"\r\nContent-Length: 2\r\n"]
    status, found, body = parsed(await said(two_sites, service, post(service, *fields, CLOSE) + b"{}"))
    assert status == 415
    assert code(body) in ("unsupported_content_encoding", "unsupported_media_type")
    assert found["access-control-allow-origin"] == PAGE


async def answered_while(stack, service, slow):
    """The result of `slow`; meanwhile another client is answered at once."""
    waiting = asyncio.ensure_future(slow)
    while not waiting.done():
        began = time.monotonic()
        assert await lives(stack, service)
        assert time.monotonic() - began < 1
        await asyncio.wait([waiting], timeout=0.5)
    return await waiting


async def test_a_request_that_does_not_arrive_in_time_is_told_so(two_sites, reader):
    """One after the other for each service they would take two minutes, so all of them at once."""

    async def slow(service, raw, within):
        began = time.monotonic()
        status, found, body = parsed(await said(two_sites, service, raw, within=within + 5))
        assert within - 0.5 < time.monotonic() - began < within + 3
        assert (status, code(body)) == (408, "request_timeout")
        assert found["connection"] == "close"
        return found.get("access-control-allow-origin")

    async def all_of(service):
        in_body = post(service, JSON, ORIGIN, bearer(reader), b"Content-Length: 9\r\n\r\n{")
        in_chunks = post(service, JSON, ORIGIN, bearer(reader), CHUNKED, b"\r\n2\r\n{")
        return await asyncio.gather(
            slow(service, post(service, ORIGIN, b"X: y"), HEAD_WITHIN),
            slow(service, in_body, BODY_WITHIN),
            slow(service, in_chunks, BODY_WITHIN),
        )

    found = await asyncio.gather(*(answered_while(two_sites, one, all_of(one)) for one in SERVICES))
    # The service knows the origin once the header is whole.
    assert found == [[None, PAGE, PAGE]] * 2


@pytest.mark.alone
async def test_five_thousand_idle_connections_keep_no_reader_out(two_sites):
    """Both services are asked at once, because the test would wait for each in turn."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < len(SERVICES) * IDLE + 1_000:
        cannot(f"a process here may have {hard} open files, and {IDLE} connections of each need more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []

    async def open_some(service, count):
        for _ in range(count):
            idle.append(await connect(two_sites, service))

    try:
        await asyncio.gather(*(open_some(service, IDLE // 50) for service in SERVICES for _ in range(50)))
        for service in SERVICES * 20:
            began = time.monotonic()
            assert await lives(two_sites, service)
            assert time.monotonic() - began < 1
        # And they are let go without a word, each HEAD_WITHIN after it came.
        async with asyncio.timeout(HEAD_WITHIN + 10):
            assert {await asked.read() for asked, _ in idle} == {b""}
    finally:
        for _, writer in idle:
            writer.close()
    assert [await lives(two_sites, service) for service in SERVICES] == [True, True]
