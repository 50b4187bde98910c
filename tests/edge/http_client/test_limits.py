"""The sizes of an answer's head, and the forms of addresses and fields."""

import pytest

from edge.http_client.address import head, parse
from edge.http_client.connection import MAX_FIELD, MAX_FIELDS, MAX_HEAD
from tests.edge.http_client.reading import ours

LINE = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 0\r\n\r\n"


def padded(size):
    """A head of so many bytes."""
    raw = LINE
    while size - len(raw) - len(END) > 4_000:
        raw += b"X: %s\r\n" % (b"a" * 3_000)
    return raw + b"X: %s\r\n" % (b"a" * (size - len(raw) - len(END) - 5)) + END


def in_pieces(raw, size):
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.parametrize(
    ("raw", "is_read"),
    [
        (padded(MAX_HEAD), True),
        (padded(MAX_HEAD + 1), False),
        (LINE + b"X: " + b"a" * (MAX_FIELD - 1) + b"\r\n" + END, True),
        (LINE + b"X: " + b"a" * MAX_FIELD + b"\r\n" + END, False),
        (LINE + b"X: y\r\n" * (MAX_FIELDS - 1) + END, True),
        (LINE + b"X: y\r\n" * MAX_FIELDS + END, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1_300 + LINE + END, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1_400 + LINE + END, False),
        (b"\r\n" * MAX_HEAD, False),
    ],
    ids=["head", "large-head", "field", "long-field", "fields", "many-fields", "interim", "interims", "none"],
)
@pytest.mark.parametrize("size", [1, 100, 1 << 20])
async def test_a_head_has_limits_wherever_it_is_cut(raw, is_read, size):
    read = await ours(in_pieces(raw, size))
    assert (read is not None and read.body == b"") is is_read


@pytest.mark.parametrize(
    "raw",
    [b"5;" + b"a" * MAX_HEAD * 2, b"5\r\nhello\r\n0\r\nX: " + b"a" * MAX_HEAD * 2, b"0" * MAX_HEAD * 2],
    ids=["extension", "trailer", "size"],
)
async def test_bytes_around_a_body_have_a_limit(raw):
    head_of = LINE + b"Transfer-Encoding: chunked\r\n\r\n"
    whole = head_of + raw + b"\r\nhello\r\n0\r\n\r\n"
    read = await ours(in_pieces(whole, 1_000))
    assert read is not None
    assert read.body is None


@pytest.mark.parametrize(
    ("url", "origin", "line", "own"),
    [
        ("http://a.example", ("a.example", 80, False), "/", "a.example"),
        ("https://a.example:443/b", ("a.example", 443, True), "/b", "a.example"),
        ("https://a.example:80/", ("a.example", 80, True), "/", "a.example:80"),
        ("http://[::1]:8001/b?c=d", ("::1", 8001, False), "/b?c=d", "[::1]:8001"),
        ("http://bücher.example/ä%20b", ("xn--bcher-kva.example", 80, False), "/%C3%A4%20b", None),
    ],
)
def test_an_address_is_taken_apart(url, origin, line, own):
    found = parse(url)
    assert (found.origin, found.target) == (origin, line)
    assert found.own.startswith(f"Host: {own or origin[0]}\r\n")


@pytest.mark.parametrize(
    "url", ["", "a.example", "ftp://a.example", "http://", "http://a b/", "http://a:99999/", "http://a:b/"]
)
def test_another_address_is_refused(url):
    with pytest.raises(ValueError):
        parse(url)


def test_an_address_may_have_credentials():
    address = parse("http://ada:l%40ve@a.example/")
    assert b"\r\nAuthorization: Basic YWRhOmxAdmU=\r\n" in head("POST", address, {}, 0)
    with pytest.raises(ValueError):
        head("POST", address, {"Authorization": "Bearer x"}, 0)


@pytest.mark.parametrize(
    "fields",
    [{"X": "a\r\nY: b"}, {"X": "a\nb"}, {"X": "a\rb"}, {"X": "a\0b"}, {"X Y": "a"}, {"": "a"}, {"X:": ""}],
)
def test_a_field_stays_one_field(fields):
    with pytest.raises(ValueError):
        head("POST", parse("http://a.example/"), fields, 0)
