"""Checks the size, time and form of a request before uvicorn's parser sees a byte of it.

Neither parser of uvicorn (httptools, h11) limits how long a request may take to arrive, and each accepts
forms that the other refuses or a proxy in front reads in another way: two Hosts, two lengths, a bare line
feed, HTTP/0.9 (measured with uvicorn 0.54). So this module holds a request's head until it is complete,
checks its form (edge.server.http1.framing), and counts its body: a byte reaches the parser only as part of
the message that the head announced.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.http.body_limit import MAX_BODY
from edge.http.client_address import bucket, client_address, is_trusted
from edge.http.problems import Problem, unavailable
from edge.server.http1.connections import size
from edge.server.http1.deadline import MovedDeadline
from edge.server.http1.door import Door
from edge.server.http1.framing import MAX_HEAD, Body, forwarded, head_end, judge, malformed, may_wait
from edge.server.http1.pieces import Pieced
from edge.server.http1.refusals import too_slow
from edge.server.http1.unheard import Unheard

if TYPE_CHECKING:
    _Protocol = HttpToolsProtocol
else:
    _Protocol = object


class _Guarded(_Protocol):
    """A mixin before a protocol of uvicorn, which gets complete heads and counted bodies. `protocol` sets
    `door`."""

    door: Door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._head = bytearray()
        self._head_size = 0
        self._asks_for_a_head = False
        self._body: Body | None = None
        self._body_size = 0
        self._origin: str | None = None
        self._held = bytearray()
        self._unheard = Unheard(self.loop, self.door.unheard_within)
        self._deadline = MovedDeadline(self.loop, self._expire)
        self._is_refused = False
        self._sending = self.door.sending(transport, self._lingers)
        super().connection_made(self._sending)  # type: ignore[arg-type]
        self._peer = self.client[0] if self.client else None
        self._is_forwarded = is_trusted(self._peer, self.door.trusted)
        self._address = None if self._is_forwarded else bucket(self._peer)
        if self.door.enter():
            self._wait(self.door.head_within)
        else:
            self._refuse(unavailable("Too many connections. Try again shortly."))

    def connection_lost(self, exc: Exception | None) -> None:
        self._unheard.drop()
        self._deadline.end()
        self.door.leave(self)
        super().connection_lost(exc)
        # Break the reference cycles now, as the garbage collector comes late: in a flood of connections that
        # are refused, fifty megabytes of them would wait for it.
        self._unset_keepalive_if_required()
        self._held.clear()
        self._head.clear()
        self._body = None
        self.cycle = None  # type: ignore[assignment]
        self._sending.forget()

    def eof_received(self) -> None:
        # A half-closed connection counts as a disconnect. The event loop would wait for ever for its reading.
        self._unheard.drop()
        self._sending.end()
        # The connection may be there for long: its client has not read what was written.
        self._tell_of_leaving()
        self._count()

    def shutdown(self) -> None:
        """uvicorn calls it when it stops: a request that has partly arrived is still answered."""
        self._tell_in_time()
        super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending.pause()
        self._count()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._sending.resume()
        self._count()

    def data_received(self, data: bytes) -> None:
        try:
            # A connection that was shed reads no further.
            while data and not self.transport.is_closing():
                data = data[self._take(data) :]
        except Problem as problem:
            self._refuse(problem)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Also frees a body that the application did not read.
        self.cycle.body = type(self.cycle.body)()
        if not self.transport.is_closing():
            self._hold()
        held, self._held = bytes(self._held), bytearray()
        if held:
            self.data_received(held)

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls it when its parser refuses a request, such as one with an unknown method."""
        raise malformed("The request is not HTTP/1.1 as this server reads it.")

    def shed(self) -> None:
        """Make room for another connection: this one waits for its client."""
        if self._sending.unread:
            # Its client would not read a refusal, and would keep the room that it takes.
            self._sending.abort()
            return
        self._refuse(unavailable("Too much is waiting to be sent here. Try again shortly."))

    def _take(self, data: bytes) -> int:
        """The number of bytes that belong to this request; the parser gets those that it may see."""
        if self._body is None:
            return self._take_head(data)
        taken = self._body.take(data)
        self._body_size += taken
        if taken:
            self._pass_on(data[:taken])
        self._settle()
        return taken

    def _pass_on(self, data: bytes) -> None:
        """Pass some of a body to the parser, or hold it until the application may be called."""
        if not self._unheard.is_held:
            super().data_received(data)
        elif not self._unheard.add(data) or (self._body is not None and self._body.is_whole):
            self._tell(self._unheard.take())

    def _tell(self, raw: bytes) -> None:
        """Give the parser, and so the application, a request; `raw` is all of it that has arrived."""
        super().data_received(raw)
        if self.cycle.waiting_for_100_continue:
            # After a refusal the client may omit its body, and its next request would be read as the body.
            self.cycle.keep_alive = False

    def _tell_in_time(self) -> None:
        if not self._unheard.is_held or self.transport.is_closing():
            return
        try:
            self._tell(self._unheard.take())
        except Problem as problem:
            self._refuse(problem)

    def _take_head(self, data: bytes) -> int:
        if self.cycle is not None and not self.cycle.response_complete:
            # The connection is read on while a request waits, or nobody would hear that its client has left.
            self._held += data
            if len(self._held) > MAX_HEAD:
                self.flow.pause_reading()
            self._hold()
            return len(data)
        before = len(self._head)
        self._head += data
        self._asks_for_a_head = self._head.startswith(b"HEAD ")
        end = head_end(self._head, before)
        if end < 0:
            if before == 0:
                self._unset_keepalive_if_required()
                self._wait(self.door.head_within)
            else:
                self._hold()
            return len(data)
        head = bytes(self._head[:end])
        framing = judge(head)
        body, self._origin = Body(framing), framing.origin
        # Not before the Origin is known: a page should be able to read the error about an address that it
        # built with a slash too many.
        framing.require_one_target()
        # The body's part that is here goes along: most requests are one segment, and one parser call.
        of_head = len(head) - before
        of_body = body.take(data[of_head:])
        self._head.clear()
        self._head_size = len(head)
        self._body = body
        self._body_size = of_body
        self.cycle = None  # type: ignore[assignment]  # of the request before
        self._know(head)
        if not body.is_whole:
            self._wait(self.door.body_within)
            if self.transport.is_closing():
                # It had to make room itself, and its client reads that nothing was begun.
                return of_head + of_body
        first = head + data[of_head : of_head + of_body]
        if body.is_whole or framing.length > MAX_BODY or may_wait(head):
            self._tell(first)
        else:
            self._unset_keepalive_if_required()
            self._unheard.begin(first, self._tell_in_time)
        self._settle()
        return of_head + of_body

    def _settle(self) -> None:
        """After some of a body: decide whether the connection waits for its client or for the application."""
        if self._body is None:
            return
        if not self._body.is_whole:
            self._hold()
            return
        self._body = None
        if self.cycle is not None and self.cycle.response_complete:
            # It was answered before its body came, and the body's bytes stopped uvicorn's keep-alive timer.
            self._wait(self.door.head_within)
            return
        # From here on the connection waits for the application.
        self._deadline.clear()
        self._count()

    def _know(self, head: bytes) -> None:
        """Set the client's address, which a reverse proxy names anew in each request."""
        if self._is_forwarded:
            self._address = bucket(client_address(self._peer, forwarded(head), self.door.trusted))

    def _hold(self) -> None:
        """Put it among those that wait, with its present size; those that waited longest make room."""
        is_wanted = self._body is not None and (self.cycle is None or not self.cycle.response_complete)
        taken = size(
            unparsed=len(self._head) + len(self._held),
            head=self._head_size,
            body=self._body_size if is_wanted else None,
            unread=self._sending.unread,
        )
        for longest in self.door.waiting.put(self, self._address, taken):
            longest.shed()

    def _count(self) -> None:
        """Put it among those that wait, or take it from them: it may wait for the application alone."""
        is_served = self.cycle is not None and not self.cycle.response_complete and self._body is None
        is_waiting = not (self.transport.is_closing() or (is_served and not self._held))
        if is_waiting or self._sending.unread:
            self._hold()
        else:
            self.door.waiting.remove(self)

    def _wait(self, seconds: float) -> None:
        self._hold()
        self._deadline.set(seconds)

    def _expire(self) -> None:
        if self._body is not None:
            self._refuse(too_slow("The request's body took too long."))
        elif self._head:
            self._refuse(too_slow("The request's header took too long."))
        else:
            # The client has sent no request, so there is nothing to answer.
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        if self.transport.is_closing():
            return
        self._is_refused = True
        self._deadline.clear()
        self._unheard.drop()
        is_answered = self.cycle is not None and self.cycle.response_complete
        if self.cycle is not None and not is_answered and self.cycle.response_started:
            # An answer is half written; the client would read a second one as its end.
            self.transport.abort()
            return
        self._tell_of_leaving()
        if self._body is None or not is_answered:
            # uvicorn's own fields: the Date of the answer.
            head, body = self.door.refusal(problem, self.server_state.default_headers, self._origin)
            # RFC 9110 9.3.2: the client would read a body after HEAD as the beginning of another answer.
            self.transport.write(head if self._asks_for_a_head else head + body)
        self.transport.close()

    def _tell_of_leaving(self) -> None:
        """The application may still write, but no client would receive it."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.flow.resume_writing()

    def _lingers(self) -> Callable[[], None] | None:
        """Called before the connection is closed; if it is to be read a moment longer, returns its end."""
        if not self._sending.unread:
            self.door.waiting.remove(self)
        is_busy = self.cycle is not None and self.timeout_keep_alive_task is None
        # After an answer too: the client may have sent a further request before it read that it was the last.
        return self.door.linger(self) if self._is_refused or self._body is not None or is_busy else None


def protocol(door: Door, parser: type[Any] = HttpToolsProtocol) -> type[asyncio.Protocol]:
    """For uvicorn's `http`; `parser` is HttpToolsProtocol or H11Protocol."""
    return type("FrontDoor", (_Guarded, Pieced, parser), {"door": door})
