import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_proxy.backends import sse


def read(data, cuts=()):
    parser = sse.Parser()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found: list[Any] = []
    for start, end in itertools.pairwise(edges):
        found += list(parser.feed(data[start:end]))
    return found


def by_the_book(data):
    """The algorithm of HTML 9.2.6, word for word and a whole stream at a time."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    lines, line, at = [], "", 0
    while at < len(text):
        if text[at] in "\r\n":
            lines.append(line)
            line = ""
            at += text[at : at + 2] == "\r\n"
        else:
            line += text[at]
        at += 1
    found, kind, buffer = [], "", ""
    for one in lines:
        if not one:
            if buffer:
                found.append((kind or "message", buffer.removesuffix("\n").encode()))
            kind, buffer = "", ""
        elif not one.startswith(":"):
            name, _, value = one.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                buffer += value + "\n"
            elif name == "event":
                kind = value
    return found


PIECES = st.sampled_from(
    [
        "data",
        "event",
        "id",
        "retry",
        ":",
        ": ",
        " ",
        "\n",
        "\r",
        "\r\n",
        "a",
        "\u2028",
        "\u0085",
        "\0",
        "é",
        "\ufeff",
        "\n\n",
        # Whole events and lines, as they usually come.
        "event: delta\n",
        "data: a\n\n",
        "data: b\n",
    ]
)


@given(st.lists(PIECES, max_size=60), st.lists(st.integers(0, 500), max_size=6))
def test_any_stream_in_any_pieces_reads_by_the_book(pieces, cuts):
    data = "".join(pieces).encode()
    assert read(data, cuts) == by_the_book(data)
    assert read(data, range(len(data))) == by_the_book(data)


@pytest.mark.parametrize(
    "chunk",
    [
        b"data: a\n\n",
        b"data:  a \n\n",
        b"data: \n\n",
        b"data: a\rdata: b\n\n",
        b"data: a\r\n\n",
        b"event: x\ndata: a\n\ndata: b\n\n",
        b"event: x y\ndata: a\n\n",
        b"event: \ndata: a\n\n",
        b"event:x\ndata: a\n\n",
        b"event: x\ndata: a\ndata: b\n\n",
        b"data: a\n\n\n\nevent: x\ndata: b\n\n",
        b"data: a\n\n: comment\n\ndata: b\n\n",
    ],
)
@pytest.mark.parametrize("before", [b"data: z\n\n", b"event: y\n", b"data: z\n", b"data: z\r"])
def test_chunks_of_whole_events_read_by_the_book(before, chunk):
    assert read(before + chunk, [len(before)]) == by_the_book(before + chunk)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_any_bytes_in_any_pieces_read_as_they_do_at_once(data, cuts):
    assert read(data, cuts) == read(data)


@given(st.dictionaries(st.text(), st.text()))
def test_a_written_value_is_read_back(members):
    data = json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")
    assert read(sse.encode("delta", data) + sse.KEEP_ALIVE) == [("delta", data)]


@pytest.mark.parametrize("size", [1, 1000, 100_000])
@pytest.mark.parametrize(
    "flood", [b"data: " + b"a" * 70_000, b"data: " + b"a" * 70_000 + b"\n\n", b"data: aaaaaaaa\n" * 40_000]
)
def test_an_event_that_does_not_end_is_refused_after_one_that_did(flood, size):
    parser = sse.Parser()
    data = b"data: x\n\n" + flood
    found: list[Any] = []
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    with pytest.raises(sse.TooLong):
        found.extend(event for piece in pieces for event in parser.feed(piece))
    assert found == [("message", b"x")]
