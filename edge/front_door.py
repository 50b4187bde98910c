"""What uvicorn leaves open, closed before its parser sees a byte: size, time and form of a request.

Neither parser of uvicorn (httptools, h11) limits how long a request may take to arrive, and each takes
something that the other refuses or a proxy in front reads in another way: two Hosts, two lengths, a bare line
feed, HTTP/0.9 (measured with uvicorn 0.54). So the head of a request is held until it is whole, its form is
checked by one expression (RFC 9112, without what it calls obsolete or leaves to the recipient), and its body
is counted here: a byte reaches the parser only as part of the message that its head announced.
"""

import asyncio
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.framing import HEAD_END, Body, judge, malformed, require_line_ends
from edge.problems import Problem, render, unavailable
from edge.sending import Sending

MAX_HEAD: Final = 16_384
"""Bytes of the request line and all fields: a token of 4 KiB, a proof of 4 KiB and cookies of 4 KiB fit."""
HEAD_WITHIN: Final = 10.0
"""Seconds from a request's first byte, or from the connection, to the end of its head."""
BODY_WITHIN: Final = 30.0
"""Seconds from there to the end of its body; the longest allowed has 256 KiB."""
UNREAD_WITHIN: Final = 30.0
"""Seconds for an answer to be read on once it waits for its reader, and for what is left of it when the
connection is closed: who does not read would keep it open for as long as they like."""
MAX_CONNECTIONS: Final = 10_000
"""Of one process. Beyond it the one that has waited longest for its reader goes."""
MAX_LINGERING: Final = 64
"""Connections beside those: closed, but read for a moment more. Beyond it they end at once, or a flood of
refusals would take every file that the process may have open."""

_log = structlog.get_logger()


def _too_slow(detail: str) -> Problem:
    return Problem(408, "request_timeout", detail)


@dataclass
class Door:
    """What the connections of one process share. `allowed` judges an Origin; times are in seconds; `waiting`
    are those that wait for their reader (for the next request or the rest of one), the longest first;
    `lingering` are closed, but for a moment; `refusals` are counted by code."""

    allowed: Callable[[str], bool]
    limit: int = MAX_CONNECTIONS
    head_within: float = HEAD_WITHIN
    body_within: float = BODY_WITHIN
    unread_within: float = UNREAD_WITHIN
    open: int = 0
    waiting: "OrderedDict[_Guarded, None]" = field(default_factory=OrderedDict)
    lingering: "set[_Guarded]" = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)

    def enter(self) -> bool:
        """False where there is no room, as everybody else is being served."""
        self.open += 1
        if self.open - len(self.lingering) <= self.limit:
            return True
        if not self.waiting:
            return False
        longest, _ = self.waiting.popitem(last=False)
        longest.shed()
        return True

    def linger(self, connection: "_Guarded") -> bool:
        """Whether there is room for one more that lingers."""
        if len(self.lingering) >= MAX_LINGERING:
            return False
        self.lingering.add(connection)
        return True

    def leave(self, connection: "_Guarded") -> None:
        self.open -= 1
        self.waiting.pop(connection, None)
        self.lingering.discard(connection)


if TYPE_CHECKING:
    _Protocol = HttpToolsProtocol
else:
    _Protocol = object


class _Guarded(_Protocol):
    """Put before a protocol of uvicorn, which gets whole heads and counted bodies. `door` is set by
    `protocol`."""

    door: Door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._head = bytearray()
        self._body: Body | None = None
        self._origin: str | None = None
        self._held = b""
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._is_refused = False
        sending = Sending(transport, self.door.unread_within, self._lingers)
        super().connection_made(sending)  # type: ignore[arg-type]
        if self.door.enter():
            self._wait(self.door.head_within)
        else:
            self._refuse(unavailable("Too many connections. Try again shortly."))

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        self.door.leave(self)
        super().connection_lost(exc)

    def eof_received(self) -> None:
        # Who says no more is taken to have left. The loop would close by itself, but wait for ever for what
        # is not read yet.
        self._body = None
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.door.unread_within, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        try:
            while data:
                data = data[self._take(data) :]
        except Problem as problem:
            self._refuse(problem)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._body is None and not self.transport.is_closing():
            self.door.waiting[self] = None
        held, self._held = self._held, b""
        if held:
            self.data_received(held)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's own answer to what its parser refuses: a method that it does not know, an address without
        a path."""
        raise malformed("The request is not HTTP/1.1 as this server reads it.")

    def shed(self) -> None:
        """Make room for somebody: nothing is under way on this connection."""
        self._refuse(unavailable("Too many connections. Try again shortly."))

    def _take(self, data: bytes) -> int:
        """How many of the bytes are of this request; the parser has those that it may see."""
        if self._body is None:
            return self._take_head(data)
        taken = self._body.take(data)
        if taken:
            super().data_received(data[:taken])
        self._settle()
        return taken

    def _take_head(self, data: bytes) -> int:
        if self.cycle is not None and not self.cycle.response_complete:
            # A request behind one that is not answered yet waits its turn.
            self._held += data
            self.flow.pause_reading()
            return len(data)
        before = len(self._head)
        self._head += data
        end = self._head.find(HEAD_END, max(0, before - 3))
        if (len(self._head) if end < 0 else end) > MAX_HEAD:
            raise Problem(431, "header_too_large", f"A request's header may have {MAX_HEAD} bytes.")
        require_line_ends(self._head, before, len(self._head) if end < 0 else end)
        if end < 0:
            if before == 0:
                self._unset_keepalive_if_required()
                self._wait(self.door.head_within)
            return len(data)
        head = bytes(self._head[: end + len(HEAD_END)])
        framing = judge(head)
        body, self._origin = Body(framing), framing.origin
        # What is here of the body goes along: most requests are one segment, and one call of the parser.
        of_head = len(head) - before
        of_body = body.take(data[of_head:])
        self._head.clear()
        self._body = body
        self.cycle = None  # type: ignore[assignment]  # of the request before
        if not body.is_whole:
            self._wait(self.door.body_within)
        super().data_received(head + data[of_head : of_head + of_body])
        if self.cycle.waiting_for_100_continue:
            # Refused, the client may leave its body out, and what follows would be taken for it.
            self.cycle.keep_alive = False
        self._settle()
        return of_head + of_body

    def _settle(self) -> None:
        """After some of a body: whose turn it is."""
        if self._body is None or not self._body.is_whole:
            return
        self._body = None
        if self.cycle is not None and self.cycle.response_complete:
            # Answered before its body was here, whose bytes have stopped uvicorn's timer of idle connections.
            self._wait(self.door.head_within)
            return
        # From here on it is the application that takes its time.
        self._due = None
        self.door.waiting.pop(self, None)

    def _wait(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds
        self.door.waiting[self] = None
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        # One timer a connection, which looks again when its time has been moved: most requests are over long
        # before, and a timer for each would cost more than its head.
        self._timer = None
        if self._due is None or self.transport.is_closing():
            return
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._tick)
        elif self._body is not None:
            self._refuse(_too_slow("The request's body took too long."))
        elif self._head:
            self._refuse(_too_slow("The request's header took too long."))
        else:
            # Nothing was asked, so there is nothing to answer.
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        if self.transport.is_closing():
            return
        self._is_refused = True
        self._due = None
        is_answered = self.cycle is not None and self.cycle.response_complete
        if self.cycle is not None and not is_answered:
            if self.cycle.response_started:
                # An answer is half written; another one after it would be read as its end.
                self.transport.abort()
                return
            # What the application still says is nobody's to hear.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self._body is None or not is_answered:
            self.door.refusals[problem.code] += 1
            self.transport.write(_answer(problem, self._origin, self.door.allowed))
        self.transport.close()

    def _lingers(self) -> bool:
        """Asked when the connection is to be closed."""
        self.door.waiting.pop(self, None)
        return (self._is_refused or self._body is not None) and self.door.linger(self)


def _answer(problem: Problem, origin: str | None, allowed: Callable[[str], bool]) -> bytes:
    response = render(problem)
    request_id = secrets.token_hex(8)
    response.headers["X-Request-Id"] = request_id
    response.headers["Connection"] = "close"
    response.headers["Vary"] = "Origin"
    if origin is not None and allowed(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
    _log.info("refused_at_the_door", code=problem.code, request_id=request_id)
    lines = [b"HTTP/1.1 %d " % problem.status, *(b"\r\n%s: %s" % pair for pair in response.raw_headers)]
    return b"".join([*lines, HEAD_END, bytes(response.body)])


def protocol(door: Door, parser: type[Any] = HttpToolsProtocol) -> type[asyncio.Protocol]:
    """For uvicorn's `http`; `parser` is HttpToolsProtocol or H11Protocol."""
    return type("FrontDoor", (_Guarded, parser), {"door": door})
