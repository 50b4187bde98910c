"""Sends requests over connections that it makes, keeps and drops.

It follows no redirect, as one would send a key and a question to an address that the configuration does not
name. It keeps no cookie, reads no proxy from the environment, and sends nothing twice.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Final

from aiohappyeyeballs import AddrInfoType, start_connection

from edge.http_client.address import Origin, head, parse
from edge.http_client.answer import Answer
from edge.http_client.connection import Connection
from edge.turns import Turn

CONNECT_WITHIN: Final = 5.0
"""Seconds for the name, the connection and TLS together."""
IDLE_FOR: Final = 4.0
"""Seconds for which an idle connection is kept: less than the 5 after which uvicorn, for example, closes it.
No request is sent twice, so one that is sent on a closing connection is lost."""
RESOLVED_FOR: Final = 10.0
"""Seconds for which a name's addresses are used again: many streams may begin at once."""
ATTEMPT_DELAY: Final = 0.25
"""Seconds after which the next address is tried beside the one before (RFC 8305 5)."""


class ClientTimeout(TimeoutError):
    """No connection was made in time."""


class HttpClient:
    """Must be made while the event loop runs. The number of connections is bounded by its caller."""

    def __init__(self, *, connect_within: float = CONNECT_WITHIN, idle_for: float = IDLE_FOR) -> None:
        self._connect_within, self._idle_for = connect_within, idle_for
        self._loop = asyncio.get_running_loop()
        self._turn = Turn()
        self._open: set[Connection] = set()
        # The connection that became idle last is used first, so that those of a rush can go.
        self._idle: dict[Origin, dict[Connection, None]] = {}
        self._names: dict[Origin, tuple[float, Sequence[AddrInfoType]]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Returns when the answer's head has come. Raises OSError and ValueError, both for a request that was
        not sent and for an answer that cannot be read."""
        address = parse(url)
        request = head("POST", address, headers, len(body)) + body
        connection = self._kept(address.origin)
        if connection is None:
            connection = await self._connected(address.origin)
        return await connection.ask(request)

    async def get(self, url: str) -> Answer:
        """As `post`, on a new connection: a document is fetched too seldom for a kept one to be there."""
        address = parse(url)
        request = head("GET", address, {}, 0)
        connection = await self._connected(address.origin)
        return await connection.ask(request)

    async def close(self) -> None:
        """Close all connections, those in use as well."""
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._open):
            connection.abort()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # At the first address that needs it: the authorities' certificates take some megabytes.
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _kept(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        oldest = self._loop.time() - self._idle_for
        while idle:
            connection, _ = idle.popitem()
            if connection.idle_since > oldest and connection.is_usable:
                return connection
            connection.abort()
        return None

    async def _connected(self, origin: Origin) -> Connection:
        sock: socket.socket | None = None
        kept, lost = partial(self._keep, origin), partial(self._forget, origin)
        factory = partial(Connection, kept, lost, self._turn, self._loop)
        try:
            async with asyncio.timeout(self._connect_within):
                addresses = await self._addresses(origin)
                sock = await start_connection(
                    addresses, happy_eyeballs_delay=ATTEMPT_DELAY, interleave=1, loop=self._loop
                )
                _, connection = await self._loop.create_connection(
                    factory,
                    sock=sock,
                    ssl=self._tls if origin.is_tls else None,
                    # Certificates name hosts without the dot at the end.
                    server_hostname=origin.host.rstrip(".") if origin.is_tls else None,
                )
        except BaseException as error:
            self._names.pop(origin, None)
            if sock is not None:
                sock.close()
            if isinstance(error, TimeoutError):
                raise ClientTimeout from None
            raise
        # A server may close a connection before a request is sent on it.
        if not connection.is_closed:
            self._open.add(connection)
        return connection

    async def _addresses(self, origin: Origin) -> Sequence[AddrInfoType]:
        now = self._loop.time()
        until, found = self._names.get(origin, (0.0, []))
        if until <= now:
            found = await self._loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            self._names[origin] = now + RESOLVED_FOR, found
        return found

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if self._is_closed:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, {})[connection] = None
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._idle_for, self._drop_old)

    def _forget(self, origin: Origin, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.get(origin, {}).pop(connection, None)

    def _drop_old(self) -> None:
        # One timer for all connections: one for each answer would cost as much as reading its head.
        oldest = self._loop.time() - self._idle_for
        for idle in self._idle.values():
            for connection in [one for one in idle if one.idle_since <= oldest]:
                del idle[connection]
                connection.abort()
        is_idle = any(self._idle.values())
        self._sweep = self._loop.call_later(self._idle_for, self._drop_old) if is_idle else None
