"""The two forms in which a reader gets an answer: events as they come, or one JSON object at the end.

A client's dialect (chat_proxy/clients) words the events or the object.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import Send

from chat_proxy.admission.limits import RateFields
from chat_proxy.backends import sse
from chat_proxy.backends.dialect import Usage
from chat_proxy.failures import Failed, Failure
from chat_proxy.parts import Citation, Delta, Done, Finish, Part
from edge.http.pieces import Pieces

Header = tuple[bytes, bytes]

_STREAM_HEADERS: Final[list[Header]] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would buffer the answer otherwise.
    (b"x-accel-buffering", b"no"),
]
_JSON_HEADERS: Final[list[Header]] = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of an answer. `at` is seconds since the epoch."""

    send: Send
    pieces: Pieces
    session_id: str
    rate: RateFields
    at: float


class ClientResponse(ABC):
    """The part that both forms share: the answer so far. `bytes_sent` counts the body's bytes, `ending` says
    why the answer ended; `usage` has its tokens, and is set before `finish`."""

    def __init__(self, opening: Opening) -> None:
        self._send = opening.send
        self._rate = opening.rate
        self.session_id = opening.session_id
        self.message_id = secrets.token_urlsafe(12)
        self.citations: list[Citation] = []
        self.ending: Finish = "stop"
        self.usage = Usage(0, 0)
        self.bytes_sent = 0
        # One bytearray: a list of a long answer's pieces takes several times their size.
        self._text = bytearray()

    @property
    def text(self) -> str:
        return self._text.decode()

    def _keep(self, part: Part) -> None:
        if isinstance(part, Delta):
            self._text += part.text.encode()
        elif isinstance(part, Citation):
            self.citations.append(part)
        elif isinstance(part, Done):
            self.ending = part.finish

    @abstractmethod
    async def take(self, parts: Sequence[Part]) -> None: ...

    @abstractmethod
    def take_at_once(self, parts: Sequence[Part]) -> bool:
        """The same without a wait. False: nothing was done, as the client has to be waited for."""

    @abstractmethod
    async def silence(self) -> None: ...

    @abstractmethod
    async def finish(self, failure: Failure | None) -> None: ...


class EventsResponse(ClientResponse):
    """Starts with the first part, so that a failure before it is still answered with a status."""

    fields: Sequence[Header] = ()
    """Header fields of the dialect's own."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._pieces = opening.pieces
        self._is_started = False

    async def take(self, parts: Sequence[Part]) -> None:
        events = self._events(parts)
        if events:
            await self._write(events)

    def take_at_once(self, parts: Sequence[Part]) -> bool:
        if not self._pieces.is_free:
            return False
        events = self._events(parts)
        if events:
            self.bytes_sent += len(events)
            self._pieces.write(events)
        return True

    async def silence(self) -> None:
        await self._write(sse.KEEP_ALIVE)

    async def finish(self, failure: Failure | None) -> None:
        """Raises Failed when nothing was sent yet."""
        if failure is None:
            await self._write(self._end(), more=False)
            return
        if not self._is_started:
            raise Failed(failure)
        await self._write(self._error(failure), more=failure.cuts)

    @abstractmethod
    def _start(self) -> bytes: ...

    @abstractmethod
    def _event(self, part: Part) -> bytes:
        """The event of a text or a citation; nothing for another part."""

    @abstractmethod
    def _end(self) -> bytes: ...

    @abstractmethod
    def _error(self, failure: Failure) -> bytes: ...

    def _events(self, parts: Sequence[Part]) -> bytes:
        events = b""
        for part in parts:
            self._keep(part)
            events += self._event(part)
        return events

    async def _write(self, events: bytes, *, more: bool = True) -> None:
        if not self._is_started:
            self._is_started = True
            events = self._start() + events
            headers = [*_STREAM_HEADERS, *self.fields, *self._rate.raw()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self.bytes_sent += len(events)
        await self._send({"type": "http.response.body", "body": events, "more_body": more})


class DocumentResponse(ClientResponse):
    async def take(self, parts: Sequence[Part]) -> None:
        self.take_at_once(parts)

    def take_at_once(self, parts: Sequence[Part]) -> bool:
        for part in parts:
            self._keep(part)
        return True

    async def silence(self) -> None:
        pass

    async def finish(self, failure: Failure | None) -> None:
        """Raises Failed for a failure, as nothing was sent yet."""
        if failure is not None:
            raise Failed(failure)
        body = orjson.dumps(self._body())
        self.bytes_sent = len(body)
        headers = [*_JSON_HEADERS, (b"content-length", b"%d" % len(body)), *self._rate.raw()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    @abstractmethod
    def _body(self) -> dict[str, Any]: ...
