"""The two forms in which a reader gets an answer: events as they come, or one JSON object at the end."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import orjson
from starlette.types import Send

from chat_proxy import sse
from chat_proxy.backends.native import Citation, Delta, Part
from chat_proxy.failures import Failed, Failure
from chat_proxy.rates import RateFields

Header = tuple[bytes, bytes]

_STREAM_HEADERS: Final[list[Header]] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx holds an answer back otherwise.
    (b"x-accel-buffering", b"no"),
]
_JSON_HEADERS: Final[list[Header]] = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
]


class Reply(ABC):
    """What both forms share: the answer so far. `bytes_sent` are of the body."""

    def __init__(self, send: Send, session_id: str, rate: RateFields) -> None:
        self._send = send
        self._rate = rate
        self.session_id = session_id
        self.message_id = secrets.token_urlsafe(12)
        self.citations: list[Citation] = []
        self.bytes_sent = 0
        # As bytes of one array: a list of a long answer's pieces takes several times their size.
        self._text = bytearray()

    @property
    def text(self) -> str:
        return self._text.decode()

    def _keep(self, part: Part) -> None:
        if isinstance(part, Delta):
            self._text += part.text.encode()
        elif isinstance(part, Citation):
            self.citations.append(part)

    @abstractmethod
    async def take(self, parts: Sequence[Part]) -> None: ...

    @abstractmethod
    async def silence(self) -> None: ...

    @abstractmethod
    async def finish(self, failure: Failure | None) -> None: ...


class StreamReply(Reply):
    """Started by the first part, so that what fails before it is still answered with a status."""

    def __init__(self, send: Send, session_id: str, rate: RateFields) -> None:
        super().__init__(send, session_id, rate)
        self._is_started = False

    async def take(self, parts: Sequence[Part]) -> None:
        events = b""
        for part in parts:
            self._keep(part)
            events += _event(part)
        if events:
            await self._write(events)

    async def silence(self) -> None:
        await self._write(sse.KEEP_ALIVE)

    async def finish(self, failure: Failure | None) -> None:
        """Raises Failed when nothing was sent yet."""
        if failure is None:
            await self._write(sse.encode("done", b"{}"), more=False)
            return
        if not self._is_started:
            raise Failed(failure)
        last = sse.encode("error", orjson.dumps({"code": failure.code, "message": failure.message}))
        await self._write(last, more=failure.cuts)

    async def _write(self, events: bytes, *, more: bool = True) -> None:
        if not self._is_started:
            self._is_started = True
            start = orjson.dumps({"session_id": self.session_id, "message_id": self.message_id})
            events = sse.encode("start", start) + events
            headers = [*_STREAM_HEADERS, *self._rate.raw()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self.bytes_sent += len(events)
        await self._send({"type": "http.response.body", "body": events, "more_body": more})


class JsonReply(Reply):
    async def take(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self._keep(part)

    async def silence(self) -> None:
        pass

    async def finish(self, failure: Failure | None) -> None:
        """Raises Failed for a failure, as nothing was sent yet."""
        if failure is not None:
            raise Failed(failure)
        body = orjson.dumps(
            {
                "response": self.text,
                "session_id": self.session_id,
                "message_id": self.message_id,
                "citations": self.citations,
            }
        )
        self.bytes_sent = len(body)
        headers = [*_JSON_HEADERS, (b"content-length", b"%d" % len(body)), *self._rate.raw()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _event(part: Part) -> bytes:
    if isinstance(part, Delta):
        return sse.encode("delta", orjson.dumps({"text": part.text}))
    # A citation's fields are its event's members.
    return sse.encode("citation", orjson.dumps(part)) if isinstance(part, Citation) else b""
