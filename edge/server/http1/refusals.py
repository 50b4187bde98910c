"""The answers that the front door gives by itself, and the log line that sums them up."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from edge.http.problems import Problem, render
from edge.server.http1.framing import HEAD_END

EXPOSED: Final = "Date, Retry-After, X-Request-Id"
"""The fields that a page's script may read of a refusal; the services' own answers have more."""

SAID_EVERY: Final = 1.0
"""Seconds. With a line for each refusal one address could fill a disk with logs (172 bytes for 18)."""

_log = structlog.get_logger()


def too_slow(detail: str) -> Problem:
    return Problem(408, "request_timeout", detail)


class Refusals:
    """Counts the refusals of one process by code, and logs at most one line in SAID_EVERY: the counts since
    the last line, and the code and the request id of the first."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._since: Counter[str] = Counter()
        self._first: tuple[str, str] | None = None
        self._said_at: float | None = None
        self._due: asyncio.TimerHandle | None = None

    def add(self, code: str, request_id: str) -> None:
        self.counts[code] += 1
        self._since[code] += 1
        if self._first is not None:
            return
        self._first = code, request_id
        loop = asyncio.get_running_loop()
        if self._said_at is None or loop.time() >= self._said_at + SAID_EVERY:
            self.say()
        else:
            self._due = loop.call_at(self._said_at + SAID_EVERY, self.say)

    def say(self) -> None:
        """Log the refusals that were not logged yet, now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._first is None:
            return
        code, request_id = self._first
        counts, self._since = dict(self._since), Counter()
        self._first = None
        self._said_at = asyncio.get_running_loop().time()
        _log.info("refused_at_the_door", code=code, request_id=request_id, counts=counts)


def written(
    problem: Problem,
    request_id: str,
    fields: Iterable[tuple[bytes, bytes]],
    origin: str | None,
    allowed: Callable[[str], bool],
) -> tuple[bytes, bytes]:
    """Head and body of the response, with the server's own `fields`; the connection is closed after it.
    `allowed` judges the Origin."""
    response = render(problem)
    response.headers["X-Request-Id"] = request_id
    response.headers["Connection"] = "close"
    response.headers["Vary"] = "Origin"
    if origin is not None and allowed(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    all_fields = (*fields, *response.raw_headers)
    lines = [b"HTTP/1.1 %d " % problem.status, *(b"\r\n%s: %s" % pair for pair in all_fields)]
    return b"".join([*lines, HEAD_END]), bytes(response.body)
