"""That a head is judged in time that grows with its length, whatever it is made of."""

import time
from contextlib import suppress

import pytest

from edge.http.problems import Problem
from edge.server.http1.framing import judge

START = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "middle",
    [
        b"Origin: x" + b" " * 16_000 + b"x\r\n",
        b"Origin: " + b"\t " * 8_000 + b"\r\n",
        b"X: " + b" " * 16_000 + b"\x00\r\n",
        b"X" * 16_000 + b"\r\n",
        b"Host" * 4_000 + b":\r\n",
        b"A: b\r\n" * 60 + b"B: " + b"origin:" * 2_000 + b"\r\n",
    ],
)
def test_no_head_takes_long_to_judge(middle):
    _takes_no_time(START + middle + b"\r\n")


@pytest.mark.parametrize(
    "target",
    [b"/" * 16_000, b"/." * 8_000, b"/a" * 8_000, b"/%20" * 4_000, b"/%e2" * 4_000, b"/?" + b"%" * 16_000],
)
def test_no_target_takes_long_to_judge(target):
    _takes_no_time(head(target))
    _takes_no_time(head(b"http://a" + target))


def _takes_no_time(whole):
    begun = time.process_time()
    for _ in range(20):
        with suppress(Problem):
            judge(whole).require_one_target()
    # Some 30 µs each on an idle machine; what grew with the square took more than a second for one.
    assert time.process_time() - begun < 0.2


def head(target, host=b"a", method=b"GET"):
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (method, target, host)


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/auth/token",
        b"/book/",
        b"/.well-known/jwks.json",
        b"/a..b/...",
        b"/sessions/an%20id",
        b"/a;b=c,d:e@f",
        b"/caf%C3%A9%e2%82%ac",
        b"/%3Cb%3e%7B%7D%5B%5d%60",
        # A query is the endpoint's to read, and addresses of pages are in some.
        b"/oauth2/authorize?redirect_uri=https%3A%2F%2Fa.example%2F..%2Fb//c&x=%00%5c%23?/../",
        b"http://a/auth/token?x",
        b"https://A/",
    ],
)
def test_a_target_that_all_read_alike_is_taken(target):
    judge(head(target)).require_one_target()


@pytest.mark.parametrize(
    "target",
    [
        # Decoded they are other segments than those that a proxy in front has judged.
        *(b"/sessions" + octets + b"x" for octets in (b"%2f", b"%2F", b"%5c", b"%5C", b"%25", b"%252f")),
        *(
            b"/a" + octets
            for octets in (b"%00", b"%0a", b"%0D", b"%09", b"%1f", b"%7f", b"%23", b"%3f", b"%3F")
        ),
        # RFC 3986 2.3: a client that encodes more than it must is understood by some servers and not by
        # others.
        *(
            b"/" + octets
            for octets in (b"%61uth/token", b"%2e%2e/a", b"a%2Eb", b"%2d", b"%5f", b"%7E", b"%30")
        ),
        *(b"/" + octets for octets in (b"%", b"%4", b"a%zz", b"%u002f", b"%-1")),
        # No letter of UTF-8: overlong, cut, half a pair, of no encoding.
        *(b"/" + octets for octets in (b"%c0%af", b"%c3", b"%ed%a0%80", b"%ff", b"%80")),
        *(
            b"//a",
            b"/a//b",
            b"/a//",
            b"//",
            b"/a/../b",
            b"/a/..",
            b"/..",
            b"/./a",
            b"/a/.",
            b"/../../etc/passwd",
        ),
        *(b"/a\\b", b"\\a", b"/a#b", b"/#", b"/a?b#c", b"/a?#", b"a", b"", b"?a", b"*"),
        *(b"/a" + sign for sign in (b'"', b"<", b">", b"^", b"`", b"{", b"|", b"}", b"[", b"]")),
        # RFC 9112 3.2.2 puts the target's host before Host; a proxy in front may have gone by the other.
        *(b"http://b/", b"http://a:80/", b"http://user@a/", b"http://a:b@a/", b"http://a@b/", b"http://a.b/"),
        *(b"http://a", b"http://a?b", b"http://a#b/", b"http:///a", b"http:/a", b"http:a", b"http://a\\b/"),
        *(
            b"http://a//b",
            b"http://a/%2f",
            b"http://a/..",
            b"HTTP://a/",
            b"ftp://a/",
            b"file:///a",
            b"ws://a/",
        ),
        *(b"http://a:0x50/", b"http://a%2fb/", b"//a/b", b"a:80", b"http://[::1/"),
    ],
)
def test_a_target_that_two_read_differently_is_refused(target):
    for method in (b"GET", b"OPTIONS", b"POST"):
        with pytest.raises(Problem) as caught:
            judge(head(target, method=method)).require_one_target()
        assert (caught.value.status, caught.value.code) == (400, "malformed_request")


def test_a_host_that_the_target_names_is_the_one_of_the_field_with_its_port():
    judge(head(b"http://docs.example:8000/a", host=b"Docs.Example:8000")).require_one_target()
    judge(head(b"http://[::1]:8000/a", host=b"[::1]:8000")).require_one_target()
    with pytest.raises(Problem):
        judge(head(b"http://docs.example/a", host=b"docs.example:8000")).require_one_target()
