"""Answers are the bytes that uvicorn writes, and what it refuses is refused."""

import asyncio
import logging

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from edge.server.http1.answers import Answer

DATE = (b"date", b"Tue, 01 Dec 2026 08:00:00 GMT")
JSON = (b"content-type", b"application/json")


class Written(asyncio.Transport):
    """A transport that keeps what was written to it."""

    def __init__(self):
        super().__init__()
        self.data = b""
        self.is_closed = False

    def write(self, data):
        self.data += data

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed


def sent(kind, messages, *, method="GET", keep_alive=True):
    """The bytes of an answer, the connection's end, and the error that its messages raised."""

    async def send_all():
        transport = Written()
        log = logging.getLogger("test")
        cycle = kind(
            scope={"type": "http", "method": method, "http_version": "1.1", "path": "/", "query_string": b""},
            transport=transport,
            flow=FlowControl(transport),
            logger=log,
            access_logger=log,
            access_log=False,
            default_headers=[DATE],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=lambda: None,
        )
        error = None
        try:
            for message in messages:
                await cycle.send(message)
        except (RuntimeError, ValueError) as raised:
            error = str(raised)
        state = cycle.response_started, cycle.response_complete, cycle.keep_alive
        return transport.data, transport.is_closed, state, error

    return asyncio.run(send_all())


def answer(status, headers, *bodies):
    start = {"type": "http.response.start", "status": status, "headers": headers}
    parts = [{"type": "http.response.body", "body": body, "more_body": True} for body in bodies[:-1]]
    return [start, *parts, {"type": "http.response.body", "body": bodies[-1]}]


def same(messages, **given):
    written = sent(Answer, messages, **given)
    assert written == sent(RequestResponseCycle, messages, **given)
    return written


FRAMING = [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection"]
NAMES = st.sampled_from([*FRAMING, b"X-Request-Id", b"vary"]) | st.binary(min_size=1, max_size=12)
TOLD = [b"5", b"0", b"12", b"chunked", b"close", b"Keep-Alive, Close", b"gzip"]
VALUES = st.sampled_from(TOLD) | st.binary(max_size=20)


@given(
    status=st.sampled_from([200, 204, 304, 401, 503]),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    bodies=st.lists(st.binary(max_size=12), min_size=1, max_size=3),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    keep_alive=st.booleans(),
)
@example(200, [JSON, (b"content-length", b"5")], [b"hello"], "GET", True)
@example(200, [JSON, (b"content-length", b"5")], [b"hello"], "HEAD", False)
@example(200, [JSON], [b"he", b"", b"llo"], "GET", True)
@example(200, [JSON, (b"content-length", b"9")], [b"hello"], "GET", True)
@example(200, [JSON, (b"content-length", b"5"), (b"content-length", b"9")], [b"hello"], "GET", True)
def test_an_answer_is_written_as_uvicorn_writes_it(status, headers, bodies, method, keep_alive):
    same(answer(status, headers, *bodies), method=method, keep_alive=keep_alive)


@pytest.mark.parametrize(
    "field",
    [
        (b"x-name", b"a\r\nset-cookie: b=c"),
        (b"x-name\r\nset-cookie", b"b=c"),
        (b"x name", b"b"),
        (b"x", b"\0"),
    ],
)
def test_no_field_becomes_two(field):
    data, _, _, error = same(answer(200, [JSON, field], b""))
    assert data == b""
    assert error in ("Invalid HTTP header name.", "Invalid HTTP header value.")


def test_a_second_head_is_refused():
    start, end = answer(200, [JSON], b"hello")
    data, _, _, error = same([start, start, end])
    assert data.count(b"HTTP/1.1 200") == 1
    assert error is not None


def test_nothing_comes_before_the_head():
    _, _, _, error = same(answer(200, [JSON], b"hello")[1:])
    assert error is not None
