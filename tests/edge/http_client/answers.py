"""Answers of servers, valid and odd, as parts to be put together."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

LINES = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content"),
    *(b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 500 Oops", b"HTTP/1.1 429 Slow", b"HTTP/1.1 999 Odd"),
)
ODD_LINES = (
    *(b"HTTP/2.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/0.9 200 OK", b"http/1.1 200 OK", b"ICY 200 OK"),
    *(b"HTTP/1.1  200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1 099 Low", b"HTTP/1.1 99 Low", b"HTTP/1.1 2000 OK"),
    *(b"HTTP/1.1 abc OK", b"HTTP/1.1 -20 OK", b"HTTP/1.1 101 Switching", b"220 mail"),
)
FIELDS = (
    *(b"Content-Type: application/json", b"content-type:text/event-stream ; charset=utf-8  ", b"X:", b"X: "),
    *(b"X-Long: " + b"a" * 300, b"Set-Cookie: a=b", b"Set-Cookie: c=d", b"Vary: a", b"Vary: b", b"X: \t y\t"),
    *(b"Connection: close", b"Connection: keep-alive", b"Connection: keep-alive, close", b"Upgrade: h2c"),
    *(b"X: \xc3\xa4", b"X: \xff", b"Content-Encoding: gzip", b"Content-Type: text/html", b"X-Empty:\t"),
    *(b"Trailer: Checked", b"Date: Sun, 06 Nov 1994 08:49:37 GMT", b"Keep-Alive: timeout=5"),
)
ODD_FIELDS = (
    *(b"X: a\x01b", b"X: a\x00b", b"X: a\x7fb", b"X : y", b" X: y", b"X", b": y", b"X: y\r\n folded"),
    *(b"X: a\rb", b"X: a\nY: b", b"X(Y): z", b"\xc3\xa4: z"),
)
INTERIM = (
    *(
        b"",
        b"",
        b"",
        b"",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ),
    *(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", b"\r\n", b"\r\n\r\n"),
)
LENGTHS = (b"0", b"5", b"4", b"6", b"05", b"+5", b"-5", b"5, 5", b"0x5", b"", b"5 ", b"9" * 30, b"a")
CODINGS = (b"chunked", b"chunked", b"chunked", b"Chunked", b"gzip, chunked", b"gzip", b"chunked, gzip", b"")
CHUNKS = (
    *(b"5\r\nhello\r\n0\r\n\r\n", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"00005\r\nhello\r\n00\r\n\r\n"),
    *(
        b"5;a=b\r\nhello\r\n0\r\n\r\n",
        b"A\r\nhellohello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nChecked: yes\r\n\r\n",
    ),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n", b"5\r\nhel", b"", b"zz\r\n", b"-1\r\nx\r\n"),
    *(
        b"5\nhello\n0\n\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
    ),
    *(b"6\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n", b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n"),
)
BEHIND = (b"", b"", b"", b"\r\n", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers", b"\x00")

_line = st.sampled_from(LINES * 5 + ODD_LINES)
_fields = st.lists(st.sampled_from(FIELDS * 5 + ODD_FIELDS), max_size=4)
_length = st.sampled_from(LENGTHS).map(lambda one: b"Content-Length: " + one)
_coding = st.sampled_from(CODINGS).map(lambda one: b"Transfer-Encoding: " + one)
_plain = st.just(b"hello")
_framed = st.one_of(
    st.tuples(st.just([b"Content-Length: 5"]), _plain),
    st.tuples(st.just([b"Content-Length: 5"]), _plain),
    st.tuples(st.just([b"Transfer-Encoding: chunked"]), st.sampled_from(CHUNKS)),
    st.tuples(st.lists(_length, max_size=2), _plain),
    st.tuples(st.lists(_coding, max_size=2), st.sampled_from(CHUNKS)),
    st.tuples(st.tuples(_length, _coding).map(list), st.sampled_from((b"hello", *CHUNKS))),
    st.tuples(st.just([]), st.sampled_from((b"", b"hello"))),
)


@st.composite
def answers(draw: DrawFn) -> bytes:
    framing, body = draw(_framed)
    fields = draw(st.permutations([*framing, *draw(_fields)]))
    head = b"".join([draw(_line), b"\r\n", *(one + b"\r\n" for one in fields), b"\r\n"])
    raw = draw(st.sampled_from(INTERIM)) + head + body + draw(st.sampled_from(BEHIND))
    return raw if draw(st.integers(0, 3)) else _changed(draw, raw)


def _changed(draw: DrawFn, raw: bytes) -> bytes:
    """One byte replaced, dropped or put in."""
    at = draw(st.integers(0, len(raw) - 1))
    new = draw(st.sampled_from((b"", b"\r", b"\n", b" ", b":", b"0", b"a", b"\xff", b"\t", b";")))
    return raw[:at] + new + raw[at + draw(st.integers(0, 1)) :]
