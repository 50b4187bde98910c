"""Connections that wait for their client, with limits on their memory: per process and per address."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

LIMIT: Final = 48 * 1_048_576
"""Bytes for one process. With the allocator's overhead the process grows by less than 64 MiB (measured)."""
SHARE: Final = 16 * 1_048_576
"""Bytes for one address: thirty readers behind it may send the largest body at once."""
_ASKED: Final = 5_120
_UNFINISHED: Final = 12_288
"""Bytes that a connection takes once it has sent a request, and while a body is incomplete: with the 6.8 KiB
of a connection that has sent nothing they are 11.9 and 17 to 22 KiB (measured)."""
_BODY_COPIES: Final = 2
"""Copies of a body while the application joins its pieces."""

C = TypeVar("C")


def size(*, unparsed: int, head: int, body: int | None, unread: int) -> int:
    """Bytes that a connection takes beside itself. `unparsed` are bytes that no parser has seen, `head` those
    of its last request (0 without any), `body` those of an incomplete body, `unread` those of answers."""
    taken = unparsed + unread
    if head:
        taken += _ASKED + head
    if body is not None:
        taken += _UNFINISHED + _BODY_COPIES * body
    return taken


@dataclass(slots=True)
class _Queue(Generic[C]):
    """Connections by their size (bytes), the one that has waited longest first."""

    limit: int
    held: int = 0
    sizes: OrderedDict[C, int] = field(default_factory=OrderedDict)

    def put(self, connection: C, size: int) -> None:
        self.held += size - self.sizes.get(connection, 0)
        self.sizes[connection] = size

    def remove(self, connection: C) -> None:
        self.held -= self.sizes.pop(connection, 0)

    def surplus(self) -> C | None:
        """The connection that has to be closed, if all together are too large."""
        return next(iter(self.sizes)) if self.held > self.limit else None


class Waiting(Generic[C]):
    """The connections that wait for their client; those that have waited longest make room first."""

    def __init__(self, limit: int = LIMIT, share: int = SHARE) -> None:
        self._share = share
        self._order: OrderedDict[C, None] = OrderedDict()
        self._all = _Queue[C](limit)
        self._by_address: dict[str, _Queue[C]] = {}
        self._addresses: dict[C, str] = {}

    @property
    def held(self) -> int:
        """Bytes of all connections that wait."""
        return self._all.held

    def __len__(self) -> int:
        return len(self._order)

    def put(self, connection: C, address: str | None, size: int) -> list[C]:
        """Add or update a connection that waits and takes `size` bytes. Returns the connections that make
        room for it, which are removed; it may be one of them. A connection of 0 bytes makes none go.

        `address` is None where a reverse proxy has not named the client yet.
        """
        self._order[connection] = None
        if self._addresses.get(connection) != address or size == 0:
            self._leave_address(connection)
        if size == 0:
            self._all.remove(connection)
            return []
        self._all.put(connection, size)
        gone: list[C] = []
        if address is not None:
            self._addresses[connection] = address
            queue = self._by_address.setdefault(address, _Queue(self._share))
            queue.put(connection, size)
            self._make_room(queue, gone)
        self._make_room(self._all, gone)
        return gone

    def remove(self, connection: C) -> None:
        """Remove a connection, which no longer waits or has gone."""
        self._order.pop(connection, None)
        self._all.remove(connection)
        self._leave_address(connection)

    def longest(self) -> C | None:
        """Remove and return the connection that has waited longest."""
        found = next(iter(self._order), None)
        if found is not None:
            self.remove(found)
        return found

    def _make_room(self, queue: _Queue[C], gone: list[C]) -> None:
        while (surplus := queue.surplus()) is not None:
            self.remove(surplus)
            gone.append(surplus)

    def _leave_address(self, connection: C) -> None:
        address = self._addresses.pop(connection, None)
        if address is not None:
            queue = self._by_address[address]
            queue.remove(connection)
            if not queue.sizes:
                del self._by_address[address]
