"""An ASGI extension of our server: a piece of a streamed body is written at once where no wait is needed.

By `send`, each piece of a body passes several coroutines, and can only be written by the task that answers.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

EXTENSION: Final = "chatgate.pieces"
WRITER: Final = "writer"
_NONE: Final[dict[str, Any]] = {}


class Writer(Protocol):
    """The connection that a request came on. `scope` is that of the request, as another one may have
    followed on it."""

    def is_free(self, scope: Mapping[str, Any]) -> bool: ...

    def write_piece(self, data: bytes) -> None: ...


class Pieces:
    """The pieces of the body that answers the request of `scope`."""

    __slots__ = ("_scope", "_writer")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._writer: Writer | None = scope.get("extensions", _NONE).get(EXTENSION, _NONE).get(WRITER)

    @property
    def is_free(self) -> bool:
        """False where a piece has to go through `send`: the answer has not begun or is over, its client has
        gone or is slow to read, or another server runs the application."""
        return self._writer is not None and self._writer.is_free(self._scope)

    def write(self, data: bytes) -> None:
        """Write a piece of the body, which is not empty, while `is_free`."""
        if self._writer is not None:
            self._writer.write_piece(data)
