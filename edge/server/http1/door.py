"""The connections that one process has open, how many there may be, and for how long each may wait."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from edge.http import request_id
from edge.http.body_limit import MAX_BODY
from edge.http.client_address import Network
from edge.http.problems import Problem
from edge.server.http1.connections import Waiting
from edge.server.http1.framing import MAX_HEAD
from edge.server.http1.refusals import Refusals, written
from edge.server.http1.transport import Sending
from edge.turns import Turn

HEAD_WITHIN: Final = 10.0
"""Seconds from a request's first byte, or from the connection, to the end of its head."""
BODY_WITHIN: Final = 30.0
"""Seconds from the end of its head to the end of its body; the largest allowed body has 256 KiB."""
UNREAD_WITHIN: Final = 30.0
"""Seconds in which a client must read on once an answer waits for it, and in which it must read the rest when
the connection is closed: a client that does not read would keep the connection open as long as it likes."""
LINGER_FOR: Final = 1.0
"""Seconds for which the server still reads, and drops, the bytes of a client on a connection that it ends: an
immediate close would reset the connection of a client that is sending, and lose the answer (RFC 9112 9.6)."""
MAX_CONNECTIONS: Final = 10_000
"""Connections of one process. Beyond it the one that has waited longest for its client is closed."""
MAX_LINGERING: Final = 64
"""Connections beside those: closed, but read for a moment more. Beyond it they end at once, or a flood of
refusals would take every file descriptor of the process."""
MAX_UNHEARD: Final = MAX_HEAD + MAX_BODY
"""Bytes of a request that are held before the application is called. A larger one goes to it at once."""
UNHEARD_WITHIN: Final = 0.5
"""Seconds that a body has to be complete before the application is called. Calling it takes a third of a
connection's cost, and in a flood of bodies without an end each is held for a quarter of a second."""


class Connection(Protocol):
    def shed(self) -> None:
        """Make room for another connection: this one waits for its client."""

    def __hash__(self) -> int: ...


@dataclass
class Door:
    """The state that the connections of one process share. `allowed` judges an Origin; times are in seconds;
    `waiting` are those that wait for their client (for the next request or the rest of one), the longest
    first; `lingering` are closed except for a moment's reading; `refusals` counts refusals by code; `turn`
    has those that write. `trusted` are the reverse proxies whose X-Forwarded-For is believed."""

    allowed: Callable[[str], bool]
    limit: int = MAX_CONNECTIONS
    head_within: float = HEAD_WITHIN
    body_within: float = BODY_WITHIN
    unread_within: float = UNREAD_WITHIN
    unheard_within: float = UNHEARD_WITHIN
    linger_for: float = LINGER_FOR
    trusted: Sequence[Network] = ()
    open: int = 0
    waiting: Waiting[Connection] = field(default_factory=Waiting)
    lingering: set[Connection] = field(default_factory=set)
    refusals: Refusals = field(default_factory=Refusals)
    turn: Turn = field(default_factory=Turn)

    def enter(self) -> bool:
        """Return False where there is no room, as every other connection is being served."""
        self.open += 1
        if self.open - len(self.lingering) <= self.limit:
            return True
        longest = self.waiting.longest()
        if longest is None:
            return False
        longest.shed()
        return True

    def linger(self, connection: Connection) -> Callable[[], None] | None:
        """Return what ends its lingering, or None where there is no room for one more that lingers."""
        if len(self.lingering) >= MAX_LINGERING:
            return None
        self.lingering.add(connection)
        return partial(self.lingering.discard, connection)

    def sending(
        self, transport: asyncio.Transport, lingers: Callable[[], Callable[[], object] | None]
    ) -> Sending:
        """The sending side of a connection; `lingers` is as in Sending."""
        return Sending(transport, self.turn, self.unread_within, self.linger_for, lingers)

    def refusal(
        self, problem: Problem, fields: Iterable[tuple[bytes, bytes]], origin: str | None
    ) -> tuple[bytes, bytes]:
        """Head and body of a refusal, which is counted."""
        its_id = request_id.new()
        self.refusals.add(problem.code, its_id)
        return written(problem, its_id, fields, origin, self.allowed)

    def leave(self, connection: Connection) -> None:
        self.open -= 1
        self.waiting.remove(connection)
        self.lingering.discard(connection)
