"""Writes pieces of a streamed body past the application's `send` (edge.http.pieces)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.http.pieces import EXTENSION, WRITER

if TYPE_CHECKING:
    _Protocol = HttpToolsProtocol
else:
    _Protocol = object


class Pieced(_Protocol):
    """A mixin before uvicorn's HttpToolsProtocol. H11Protocol has no such callbacks, and so no pieces."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {WRITER: self}}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # It refers to this object: the garbage collector would come late.
        self.scope = None  # type: ignore[assignment]

    def is_free(self, scope: Mapping[str, Any]) -> bool:
        cycle = self.cycle
        return bool(
            cycle is not None
            and cycle.scope is scope
            and cycle.response_started
            and cycle.chunked_encoding
            and not cycle.response_complete
            and not cycle.disconnected
            and not self.flow.write_paused
        )

    def write_piece(self, data: bytes) -> None:
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
