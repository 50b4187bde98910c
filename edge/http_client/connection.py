"""One connection of the client: what may come on it, and when.

llhttp reads the bytes, strictly (no obsolete line folds, no bare line feeds, no two lengths). It limits
nothing, does not see the end of a connection, and leaves some forms to its caller; those are judged here.
"""

import asyncio
import select
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from edge.http_client.answer import Answer, ClientMalformed, ClientTorn
from edge.turns import Turn

MAX_HEAD: Final = 32_768
"""Bytes of all heads of one answer, the interim ones among them; also of what a body may have between two
pieces of data, such as the extensions of a chunk, and of its trailers."""
MAX_FIELD: Final = 8_190
"""Bytes of one field's name and value."""
MAX_FIELDS: Final = 128
READ_BUFFER: Final = 32_768
"""Bytes of a body that are held before the server is made to wait. One read may exceed it."""
_HEAD_END: Final = b"\r\n\r\n"
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_BODILESS: Final = frozenset({204, 304})


class State(Enum):
    """AT_END, TAKES_BODY and TAKES_NOTHING say what may come in each."""

    IDLE = auto()
    """No request is under way."""
    HEAD = auto()
    """A request was sent; the head of its answer is not whole."""
    COUNTED = auto()
    """The head said where its body ends."""
    OPEN = auto()
    """The body ends with the connection."""
    WHOLE = auto()
    """The answer is whole; what else came with its last bytes is not judged yet."""
    CLOSED = auto()


AT_END: Final = {
    State.HEAD: ClientTorn,
    State.COUNTED: ClientTorn,
    State.OPEN: None,
    State.WHOLE: None,
}
"""The error that an orderly end of the connection makes of an answer; None: the answer is whole."""
# Tuples: a set would ask for the hash of a member, which enum computes in Python.
TAKES_BODY: Final = (State.COUNTED, State.OPEN)
TAKES_NOTHING: Final = (State.IDLE, State.CLOSED)


class Connection(asyncio.Protocol):
    """`idle` is called when it can be used again, `lost` when it has ended. `idle_since` is its owner's."""

    __slots__ = (
        *("_answer", "_fields", "_head_size", "_idle", "_is_kept", "_is_paused", "_loop", "_lost", "_names"),
        *("_parser", "_poll", "_silence", "_state", "_tail", "_transport", "_turn", "_unsent", "idle_since"),
    )

    def __init__(
        self,
        idle: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
        turn: Turn,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.idle_since = 0.0
        self._turn = turn
        self._unsent = b""
        self._idle, self._lost, self._loop = idle, lost, loop
        self._state = State.IDLE
        self._answer: Answer | None = None
        self._is_kept = self._is_paused = False
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio's, but not their class.
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    @property
    def is_closed(self) -> bool:
        return self._state is State.CLOSED

    @property
    def is_usable(self) -> bool:
        """False once the server has closed it, or has sent bytes that no request asked for, even if the event
        loop has not come to read that."""
        return self._state is State.IDLE and not self._transport.is_closing() and not self._poll.poll(0)

    async def ask(self, request: bytes) -> Answer:
        """Send a whole request, and return once the answer's head has come. Raises ConnectionError."""
        # A closed transport of uvloop takes no bytes, and tells its end in a later turn of the loop.
        if self._state is not State.IDLE or self._transport.is_closing():
            raise ClientTorn
        self._state = State.HEAD
        self._head_size = self._names = self._silence = 0
        self._tail = b""
        self._fields: dict[str, str] = {}
        self._answer = answer = Answer(self, self._loop)
        self._unsent = request
        self._turn.add(self)
        try:
            await answer.begun()
        except BaseException:
            # A wait that is cancelled in the turn in which the whole answer came must not end the connection
            # for the request that has it by now.
            answer.close()
            raise
        return answer

    def flush(self) -> None:
        """Send the request, at the end of the event loop's turn."""
        request, self._unsent = self._unsent, b""
        if request and not self._transport.is_closing():
            self._transport.write(request)

    def go_on(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close it at once: what was not sent is not worth a wait."""
        self._end(ClientTorn)

    def data_received(self, data: bytes) -> None:
        # A server cannot have answered a request that has not left yet.
        if self._state in TAKES_NOTHING or self._unsent or self._parser is None:
            self.abort()
            return
        try:
            if self._state is State.HEAD:
                data = self._take_heads(self._parser, data)
            if data:
                self._silence += len(data)
                self._parser.feed_data(data)
                if self._silence > MAX_HEAD and self._state is State.COUNTED:
                    raise HttpParserError("too much around the data")
        except (HttpParserError, HttpParserUpgrade):
            # Bytes after a whole answer do not make it worse.
            self._end(None if self._state is State.WHOLE else ClientMalformed)
            return
        if self._state is State.WHOLE:
            self._finish()

    def eof_received(self) -> None:
        self._end(AT_END.get(self._state))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(AT_END.get(self._state) if exc is None else ClientTorn)
        # The parser's callbacks refer to this object: the garbage collector would come late.
        self._parser = None
        self._lost(self)

    def on_message_begin(self) -> None:
        if self._state is not State.HEAD:
            raise HttpParserError("another answer follows")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state is not State.HEAD:
            # RFC 9110 6.5.1 lets a recipient drop trailers. httptools may still hold a part of them.
            self._is_kept = False
            return
        self._names += 1
        if len(name) + len(value) > MAX_FIELD or self._names > MAX_FIELDS:
            raise HttpParserError("the head is too large")
        key, text = name.decode("ascii").lower(), value.decode("latin-1").strip(" \t")
        self._fields[key] = f"{self._fields[key]}, {text}" if key in self._fields else text

    def on_headers_complete(self) -> None:
        assert self._parser is not None and self._answer is not None  # noqa: S101, PT018
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        coding, length = self._fields.get("transfer-encoding"), self._fields.get("content-length")
        # RFC 9112 7.8: no Upgrade was sent, so nothing can be switched to.
        if version not in _VERSIONS or status < 100 or status == 101:
            raise HttpParserError("no answer to an HTTP/1.1 request")
        # RFC 9112 6.1: in HTTP/1.0 the framing is faulty. Other codings are not asked for.
        if coding is not None and (coding.lower() != "chunked" or version == "1.0"):
            raise HttpParserError("a transfer coding that was not asked for")
        is_framed = coding is not None or length is not None
        if status < 200:
            # RFC 9110 8.6 and RFC 9112 6.1 forbid both in an interim answer; parsers have read a body there.
            if is_framed:
                raise HttpParserError("an interim answer with a body")
            return
        self._is_kept = self._parser.should_keep_alive()
        if status in _BODILESS:
            self._is_kept = self._is_kept and not is_framed
            self._state = State.WHOLE
        else:
            self._state = State.COUNTED if is_framed else State.OPEN
        self._answer.begin(status, self._fields)

    def on_body(self, data: bytes) -> None:
        if self._state not in TAKES_BODY or self._answer is None:
            return
        self._silence = 0
        self._answer.take(data)
        if self._answer.held > READ_BUFFER and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._state is State.HEAD:
            # An interim answer: the one that was asked for follows.
            self._fields = {}
        elif self._state is State.COUNTED:
            self._state = State.WHOLE

    def _take_heads(self, parser: HttpResponseParser, data: bytes) -> bytes:
        """Pass heads on, each by itself, so that their bytes are counted; returns the bytes after them."""
        while data and self._state is State.HEAD:
            seen = self._tail + data
            end = seen.find(_HEAD_END)
            size = len(data) if end < 0 else end + len(_HEAD_END) - len(self._tail)
            self._tail = seen[-3:] if end < 0 else b""
            self._head_size += size
            if self._head_size > MAX_HEAD:
                raise HttpParserError("the head is too large")
            parser.feed_data(data[:size])
            data = data[size:]
        return data

    def _finish(self) -> None:
        # An answer may come before its request is sent, as when the server refuses a large body.
        is_sent = self._transport.get_write_buffer_size() == 0
        if not self._is_kept or not is_sent or self._transport.is_closing():
            self._end(None)
            return
        answer, self._answer = self._answer, None
        self._state = State.IDLE
        if answer is not None:
            answer.end(None)
        self.go_on()
        self._idle(self)

    def _end(self, error: type[ConnectionError] | None) -> None:
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self._unsent = b""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end(error)
        self._transport.abort()
