"""Reads an answer's bytes, in any pieces, with this client and with the library that it replaces."""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from edge.http_client.connection import Connection
from edge.turns import Turn


@dataclass(frozen=True)
class Read:
    """`body` is None for one that broke off."""

    status: int
    fields: dict[str, str]
    body: bytes | None


class Wire(asyncio.Transport):
    """A connection's other side in memory: what is sent goes nowhere, and nothing is received by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False
        self._socket, self._other = socket.socketpair()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else default

    def write(self, data: object) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def free(self) -> None:
        self._socket.close()
        self._other.close()


def fed(protocol: Any, wire: Wire, pieces: Iterable[bytes]) -> None:
    """Pass on the pieces, and then the end of the connection."""
    for piece in pieces:
        if not wire.is_closing():
            protocol.data_received(piece)
    if not wire.is_closing():
        protocol.eof_received()
    protocol.connection_lost(None)


async def ours(pieces: Iterable[bytes]) -> Read | None:
    """None for an answer that was refused."""
    loop = asyncio.get_running_loop()
    connection = Connection(lambda _: None, lambda _: None, Turn(), loop)
    wire = Wire()
    connection.connection_made(wire)
    asking = asyncio.ensure_future(connection.ask(b"POST / HTTP/1.1\r\n\r\n"))
    # The request leaves at the end of the turn in which it was made.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        fed(connection, wire, pieces)
        answer = await asking
    except ConnectionError:
        return None
    finally:
        wire.free()
    try:
        body = b""
        while chunk := await answer.more():
            body += chunk
    except ConnectionError:
        body = None
    return Read(answer.status, answer.headers, body)


async def theirs(pieces: Iterable[bytes]) -> Read | None:
    """aiohttp's reading, of which a refusal and a break are told apart by how the bytes were cut."""
    protocol = ResponseHandler(asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(wire)
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    try:
        fed(protocol, wire, pieces)
        while True:
            message, payload = await protocol.read()
            if not 100 <= message.code < 200 or message.code == 101:
                break
        body = await payload.read()
    # A body whose connection it has closed itself is a RuntimeError.
    except (ClientError, HttpProcessingError, OSError, RuntimeError):
        return None
    finally:
        wire.free()
    fields: dict[str, str] = {}
    for name, value in message.raw_headers:
        key, text = name.decode("ascii").lower(), value.decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return Read(message.code, fields, body)
