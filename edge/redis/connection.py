"""A connection to one server: redis-py opens it, and from then on hiredis alone reads and writes.

redis-py wakes a stream reader and passes four coroutines for each reply, which together cost more than the
rest of a flight. It still does what differs between servers: TLS, the login, HELLO and the database.
"""

import asyncio
import ssl
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from hiredis import PushNotification, Reader, pack_command
from redis._parsers.base import BaseParser
from redis.asyncio.connection import AbstractConnection, SSLConnection, parse_url
from redis.asyncio.connection import Connection as TCPConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from edge.redis.commands import Argument

_DRIVER: Final = DriverInfo(lib_version=None)
"""The name under which redis-py introduces itself to the server. To send its version too, redis-py would
search the installed packages anew for each connection: 8 ms of the event loop."""
TRUSTED_FOR: Final = 60
"""Seconds for which certificate files that were read are used again: they are renewed while we run."""
NO_REPLY: Final = object()


class Connection(asyncio.Protocol):
    """One exchange at a time. After an error, or an exchange that was left, it must be dropped."""

    def __init__(self, opened: AbstractConnection) -> None:
        self._opened = opened
        self._reader = reader()
        self._replies: list[Any] = []
        self._awaited = 0
        self._landed: asyncio.Future[list[Any]] | None = None
        self._is_spent = False
        self._transport = taken_over(opened, self)

    async def exchange(self, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
        """The replies, errors among them; the caller sets the time limit. Raises RedisError and OSError."""
        if self._is_spent:
            raise RedisConnectionError("the server closed the connection")
        if not commands:
            return []
        self._landed = asyncio.get_running_loop().create_future()
        self._awaited = len(commands)
        # Its type stub says a tuple of one word where any length is meant.
        self._transport.write(b"".join([pack_command(words) for words in commands]))  # type: ignore[arg-type]
        return await self._landed

    @property
    def is_usable(self) -> bool:
        """Return False if the server has closed it, or sent what no command asked for."""
        return not self._is_spent and not self._transport.is_closing()

    async def close(self) -> None:
        self._is_spent = True
        self._transport.abort()
        await self._opened.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        landed, replies = self._landed, self._replies
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NO_REPLY:
                if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
                    # The server does not serve this connection: it is loading its data, for example.
                    raise reply
                if not isinstance(reply, PushNotification):
                    replies.append(reply)
        except RedisError as error:
            self._end(error)
            return
        if landed is None or len(replies) > self._awaited:
            # There are more replies than commands under way: the next flight would take them for its own.
            self._end(RedisConnectionError("the server sent a reply that no command asked for"))
        elif len(replies) == self._awaited:
            self._landed, self._replies = None, []
            if not landed.done():
                landed.set_result(replies)

    def eof_received(self) -> None:
        self._end(RedisConnectionError("the server closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RedisConnectionError("the connection was lost"))

    def _end(self, error: Exception) -> None:
        self._is_spent = True
        landed, self._landed = self._landed, None
        if landed is not None and not landed.done():
            landed.set_exception(error)
        self._transport.abort()


def reader() -> Reader:
    """hiredis' reader, which returns NO_REPLY until a reply is whole."""
    return Reader(
        # The classes by which redis-py tells the kinds of error replies apart.
        protocolError=InvalidResponse,
        replyError=BaseParser.parse_error,
        notEnoughData=NO_REPLY,
    )


def taken_over(opened: AbstractConnection, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
    """The transport of a connection, whose bytes `protocol` receives from now on."""
    # redis-py has no public name for it.
    writer = opened._writer
    assert writer is not None  # noqa: S101  an opened connection has one
    writer.transport.set_protocol(protocol)
    return writer.transport


async def connect(url: str) -> Connection:
    """A connection to one server, `redis://`, `rediss://` or `unix://`. The caller sets the time limit."""
    return Connection(await opened(url))


async def opened(url: str) -> AbstractConnection:
    """The same, as redis-py opens it."""
    options: dict[str, Any] = dict(parse_url(url))
    kind: type[AbstractConnection] = options.pop("connection_class", TCPConnection)
    options |= {
        # The pipeline's own deadline covers the whole flight; the library's timeouts would each start anew.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "driver_info": _DRIVER,
    }
    made = kind(**options)
    if isinstance(made, SSLConnection):
        chosen = tuple((name, value) for name, value in options.items() if name.startswith("ssl_"))
        made.ssl_context.context = _trust(chosen, int(asyncio.get_running_loop().time() / TRUSTED_FOR))
    try:
        await made.connect()
    except BaseException:
        # A deadline that expires during the handshake leaves an open socket.
        await made.disconnect(nowait=True)
        raise
    return made


@lru_cache(maxsize=8)
def _trust(options: tuple[tuple[str, Any], ...], _: int) -> ssl.SSLContext:
    """Takes 18 ms of the event loop, mostly for the system's authorities: a context for each of a dozen
    connections that are made at once would take a whole flight's time."""
    return SSLConnection(**dict(options)).ssl_context.get()
