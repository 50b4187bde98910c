"""The tokens of one question: as its backend tells them, or else as they were counted."""

import math
from typing import Final

from chat_proxy.backends.dialect import Reader, Usage

BYTES_PER_TOKEN: Final = 3
"""Bytes of UTF-8 that count as one token where the backend does not tell: English has about four in one,
Chinese three."""


def tokens(size: int) -> int:
    """The tokens that so many bytes count for."""
    return math.ceil(size / BYTES_PER_TOKEN)


class Meter:
    """`sent` is the size of the request that the backend was sent, in bytes; 0 for one that it refused."""

    __slots__ = ("reader", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.reader: Reader | None = None

    @property
    def usage(self) -> Usage:
        """The tokens so far: an answer that was cut has those that came."""
        if self.reader is None:
            return Usage(tokens(self.sent), 0)
        return self.reader.usage or Usage(tokens(self.sent), tokens(self.reader.written))
