"""A connection that hears the messages of one channel.

redis-py opens it and hiredis reads it, as those of `connection`: redis-py's own client for messages brings
all commands of Redis with it, 4 MiB of a service's memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from edge.redis.connection import NO_REPLY, opened, reader, taken_over

_CONFIRMED: Final = b"subscribe"
_MESSAGE: Final = b"message"


class Subscription(asyncio.Protocol):
    """`hear` is called with each message when it arrives; if it raises, the subscription ends with that."""

    def __init__(self, connection: AbstractConnection, channel: str, hear: Callable[[bytes], None]) -> None:
        self._hear = hear
        self._reader = reader()
        self._is_confirmed = False
        self._error: Exception | None = None
        self._replies = 0
        self._changed = asyncio.Event()
        self._transport = taken_over(connection, self)
        self._send("SUBSCRIBE", channel)

    async def confirmed(self) -> None:
        """Wait until no later message is lost; the caller sets the time limit. Raises as `wait`."""
        while not self._is_confirmed:
            await self._change()

    async def wait(self, seconds: float) -> bool:
        """Wait until the server sends anything, but no longer than that. Returns True if it did. Raises
        RedisError, OSError, and what `hear` raised, as soon as the subscription has ended."""
        before = self._replies
        try:
            async with asyncio.timeout(seconds):
                while self._replies == before:
                    await self._change()
        except TimeoutError:
            if self._error is not None:
                raise self._error from None
            return False
        return True

    def ping(self) -> None:
        """Have the server send something. A dead connection reports no error by itself."""
        self._send("PING")

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not NO_REPLY:
                self._take(reply)
        except Exception as error:
            self._end(error)
        self._changed.set()

    def eof_received(self) -> None:
        self._end(RedisConnectionError("the server closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RedisConnectionError("the connection was lost"))

    def _take(self, reply: object) -> None:
        if isinstance(reply, RedisError):
            # It may not hear this channel, or is loading its data, for example.
            raise reply
        self._replies += 1
        # The answer to a PING is the only one that is no list, by RESP3.
        match reply:
            case [kind, _, data] if kind == _MESSAGE and isinstance(data, bytes):
                self._hear(data)
            case [kind, *_] if kind == _CONFIRMED:
                self._is_confirmed = True

    def _send(self, *words: str) -> None:
        # Its type stub says a tuple of one word where any length is meant.
        self._transport.write(pack_command(words))  # type: ignore[arg-type]

    async def _change(self) -> None:
        self._changed.clear()
        if self._error is not None:
            raise self._error
        await self._changed.wait()
        if self._error is not None:
            raise self._error

    def _end(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self._transport.abort()
        self._changed.set()


@asynccontextmanager
async def subscribed(
    url: str, channel: str, hear: Callable[[bytes], None], within: float
) -> AsyncIterator[Subscription]:
    """A subscription that the server has confirmed within so many seconds, open until the end of the block.
    Raises TimeoutError, and as `Subscription.wait`."""
    connection = None
    try:
        async with asyncio.timeout(within):
            connection = await opened(url)
            subscription = Subscription(connection, channel, hear)
            await subscription.confirmed()
        yield subscription
    finally:
        if connection is not None:
            await connection.disconnect(nowait=True)
