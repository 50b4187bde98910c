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
    """`sent` is the size of the request that the backend was sent, in bytes; 0 for one that it refused.

    `reserved` are the tokens of its texts: JSON has up to four bytes for one of theirs, which no model reads.
    """

    __slots__ = ("_reserved", "reader", "sent")

    def __init__(self, reserved: int) -> None:
        self._reserved = reserved
        self.sent = 0
        self.reader: Reader | None = None

    @property
    def usage(self) -> Usage:
        """The tokens so far: an answer that was cut has those that came."""
        sent = min(tokens(self.sent), self._reserved)
        if self.reader is None:
            return Usage(sent, 0)
        return self.reader.usage or Usage(sent, tokens(self.reader.written))
