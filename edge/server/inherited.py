"""A worker's inheritance from the parent that started it: sockets, its place, and the others' connections.

All workers share one listening socket, so that no connection waits in the queue of a worker that is busy,
stopping or dead. If the kernel chose, the worker that wakes first would take them all: of eight connections
that a reverse proxy keeps open, one worker of two took all (measured). So each tells the others its count.
"""

import mmap
import os
import socket
import tempfile
from dataclasses import dataclass
from typing import Final

READY: Final = b"ready\n"
RETIRE: Final = b"retire\n"
MEASURE: Final = b"measure\n"
ALIVE: Final = b"alive\n"
"""The messages between a worker and its parent."""
_BYTES: Final = 4
ABSENT: Final = 2**31 - 1
"""Connections of a place where no worker accepts any."""


class Shares:
    """Open connections of each worker, by place, in memory that the parent and all workers see."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._counts = memoryview(mmap.mmap(fd, os.fstat(fd).st_size)).cast("i")

    @classmethod
    def make(cls, places: int) -> "Shares":
        with tempfile.TemporaryFile() as file:
            file.write(ABSENT.to_bytes(_BYTES, "little") * places)
            file.flush()
            return cls(os.dup(file.fileno()))

    def tell(self, place: int, connections: int) -> None:
        self._counts[place] = connections

    def is_ahead(self, place: int) -> bool:
        """Return True if another worker has fewer connections."""
        return min(self._counts) < self._counts[place]


@dataclass(frozen=True, slots=True)
class Inherited:
    """Descriptors that were inherited, the worker's place among the shares, and its slot. `control` is a
    stream to the parent: lines of requests in, lines of answers out; it ends when the other side ends.
    `is_taken` while another worker still serves in the slot, which retires when this one is ready."""

    listener: int
    control: int
    shares: int
    place: int
    slot: int
    is_taken: bool

    @classmethod
    def parse(cls, text: str) -> "Inherited":
        """Parse the text that `str` makes. Raises ValueError."""
        listener, control, shares, place, slot, is_taken = (int(part) for part in text.split(","))
        return cls(listener, control, shares, place, slot, bool(is_taken))

    def __str__(self) -> str:
        return f"{self.listener},{self.control},{self.shares},{self.place},{self.slot},{self.is_taken:d}"

    @property
    def descriptors(self) -> tuple[int, int, int]:
        return self.listener, self.control, self.shares


def listen(host: str, port: int, *, backlog: int = 2048) -> socket.socket:
    """A listening socket that is not blocking. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As servers do: an earlier process's connections that are still closing must not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
