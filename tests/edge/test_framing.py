"""That a head is judged in time that grows with its length, whatever it is made of."""

import time
from contextlib import suppress

import pytest

from edge.framing import judge
from edge.problems import Problem

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
    begun = time.perf_counter()
    for _ in range(20):
        with suppress(Problem):
            judge(START + middle + b"\r\n")
    # Some 30 µs each on an idle machine; what grew with the square took more than a second for one.
    assert time.perf_counter() - begun < 0.2
