"""Limits the bodies of one sender that are read only to be refused: each takes time of the event loop."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge.http.problems import Problem

WINDOW: Final = 60.0
"""Seconds from a sender's first refused body."""
MAX_SENDERS: Final = 10_000
"""Senders that are remembered; beyond it the sender whose window began first is forgotten."""


class TooManyRefused(Exception):
    """The sender has to wait `retry_after` seconds; the body was not read."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many bodies were refused")
        self.retry_after = retry_after


class RefusedBodies:
    """At most `limit` refused bodies of a sender in a window. It counts in this process alone, as it protects
    this process's event loop; `clock` is monotonic seconds. Beyond `senders` it forgets the oldest."""

    def __init__(self, limit: int, clock: Callable[[], float], senders: int = MAX_SENDERS) -> None:
        self._limit = limit
        self._clock = clock
        self._senders = senders
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @contextmanager
    def reading(self, sender: str) -> Iterator[None]:
        """A block that reads and judges a body; a Problem raised in it counts. Raises TooManyRefused."""
        count, ends_at = self._counts.get(sender, (0, 0.0))
        left = ends_at - self._clock()
        if count >= self._limit and left > 0:
            raise TooManyRefused(left)
        try:
            yield
        except Problem:
            self._add(sender)
            raise

    def _add(self, sender: str) -> None:
        now = self._clock()
        count, ends_at = self._counts.get(sender, (0, 0.0))
        if ends_at <= now:
            self._counts.pop(sender, None)
            count, ends_at = 0, now + WINDOW
        self._counts[sender] = count + 1, ends_at
        if len(self._counts) > self._senders:
            self._counts.popitem(last=False)
