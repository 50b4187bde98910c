"""Writes the heads of answers as uvicorn's cycle does, with one look at all fields.

uvicorn searches the name and the value of every field of every answer for characters that may not be there.
An answer has ten fields, whose names are always the same.
"""

import re
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = b"content-length: "
_DECIDES: Final = frozenset({b"transfer-encoding", b"connection"})
"""Fields by which the application decides how the answer ends; ours leaves that to uvicorn."""


class Answer(RequestResponseCycle):
    """Writes a head, and a piece of a stream. An odd head, one that may not be sent among them, and all else
    is uvicorn's."""

    async def send(self, message: Any) -> None:
        raw = None if self.disconnected or self.flow.write_paused else self._raw(message)
        if raw is None:
            await super().send(message)
        else:
            self.transport.write(raw)

    def _raw(self, message: Any) -> bytes | None:
        if not self.response_started:
            is_head = message["type"] == "http.response.start" and not self.access_log
            return self._head(message) if is_head else None
        body = message.get("body")
        is_piece = body and message.get("more_body") and self.chunked_encoding
        if not is_piece or self.response_complete or self.scope["method"] == "HEAD":
            return None
        return b"%x\r\n%b\r\n" % (len(body), body)

    def _head(self, message: Any) -> bytes | None:
        status = message["status"]
        lines = [STATUS_LINE[status]]
        values: list[bytes] = []
        length: int | None = None
        for name, value in (*self.default_headers, *message.get("headers", ())):
            begun = _begun(name)
            if begun is None:
                return None
            if begun == _LENGTH:
                if length is not None or not value.isdigit():
                    return None
                length = int(value)
            lines.append(b"%b%b\r\n" % (begun, value))
            values.append(value)
        if _NOT_IN_A_VALUE.search(b"".join(values)):
            return None
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if length is not None:
            self.expected_content_length, self.chunked_encoding = length, False
        elif self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self.response_started, self.waiting_for_100_continue = True, False
        return b"".join(lines)


# The names are those that the services' own code has.
@lru_cache(maxsize=128)
def _begun(name: bytes) -> bytes | None:
    """A field's beginning; None for a name that no field may have, or that decides how the answer ends."""
    lower = name.lower()
    return None if lower in _DECIDES or _NAME.fullmatch(name) is None else lower + b": "


class AnsweringProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, whose answers are written by Answer."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # uvicorn names its class and calls no factory. The task that runs it has not begun.
        if self.cycle is not None:
            self.cycle.__class__ = Answer
