"""Requests and answers as the load generator writes and reads them."""

from typing import Any

import pytest

from bench.http1 import END, BadAnswer, Head, Parser, request

PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-Request-Id: ab\r\n\r\nhello"


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"


EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def read(raw, size):
    """Statuses and bodies, from pieces of `size` bytes."""
    parser = Parser()
    found: list[list[Any]] = []
    for at in range(0, len(raw), size):
        for event in parser.feed(raw[at : at + size]):
            if isinstance(event, Head):
                found.append([event.status, b"", False])
            elif event is END:
                found[-1][2] = True
            else:
                found[-1][1] += event
    return [tuple(one) for one in found]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_answers_are_read_alike_however_they_are_cut(size):
    assert read(PLAIN + CHUNKED + EMPTY + PLAIN, size) == [
        (200, b"hello", True),
        (200, b"hello world", True),
        (204, b"", True),
        (200, b"hello", True),
    ]


def test_an_answer_that_was_cut_short_has_no_end():
    assert read(CHUNKED[:-2], 1000) == [(200, b"hello world", False)]
    assert read(PLAIN[:-1], 1000) == [(200, b"hell", False)]


def test_header_names_are_lower_case():
    [head, *_] = Parser().feed(PLAIN)
    assert isinstance(head, Head)
    assert head.headers["x-request-id"] == "ab"


@pytest.mark.parametrize("raw", [b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_an_answer_without_a_length_or_not_of_http_is_refused(raw):
    with pytest.raises(BadAnswer):
        list(Parser().feed(raw))


def test_a_request_says_how_long_its_body_is():
    raw = request("POST", "/chat", {"message": "ä"}, {"Accept": "text/event-stream"})
    head, _, body = raw.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Accept: text/event-stream" in head
