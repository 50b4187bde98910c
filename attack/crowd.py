"""Connections of one address that finish no request and read no answer, in a process of their own."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from attack.searches import Search, chance_of
from attack.wire import Line
from bench.http1 import HOST, request
from bench.stack import Reader

CONNECTIONS: Final = 300
"""Connections that are open at once, to both services together."""
MAX_OPENED: Final = 3_000
"""Connections in all: one that a service closes is replaced by a new one."""
MAX_SENT: Final = 128 << 20
"""Bytes in all."""
FULL_BODY: Final = 65_500
NICE: Final = 15
"""The process's niceness: a real flood comes from other machines, and takes no processor from the
services."""


@dataclass
class Flood:
    """`ports` are those of `broker` and `chat_proxy`; `readers` are those who ask and do not read."""

    search: Search
    ports: dict[str, int]
    readers: Sequence[Reader]
    address: str | None
    opened: int = 0
    sent: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    async def run(self, number: int) -> None:
        """Open one connection after the other."""
        chance = chance_of(self.search.seed, "floods", number)
        while self.search.goes_on() and self.opened < MAX_OPENED and self.sent < MAX_SENT:
            service, kind = chance.choice(tuple(self.ports)), chance.choice(KINDS)
            self.kinds[f"{service} {kind.__name__}"] += 1
            self.opened += 1
            with contextlib.suppress(OSError, TimeoutError):
                line = await Line.open(self.ports[service], address=self.address)
                try:
                    await kind(self, line, service, chance)
                finally:
                    line.close()

    def say(self, line: Line, raw: bytes) -> None:
        if self.sent < MAX_SENT:
            self.sent += len(raw)
            line.say(raw)

    async def rest(self, line: Line, chance: Random) -> None:
        """Wait until the service closes the connection, or for a while that `chance` picks."""
        await line.ended(min(self.search.left, chance.choice((1.0, 5.0, 60.0))))


async def silent(flood: Flood, line: Line, _: str, chance: Random) -> None:
    await flood.rest(line, chance)


async def half_a_head(flood: Flood, line: Line, service: str, chance: Random) -> None:
    flood.say(line, _head(service)[:-2] + b"X: " + b"a" * chance.choice((10, 8_000, 16_000)))
    await flood.rest(line, chance)


async def dribble(flood: Flood, line: Line, service: str, chance: Random) -> None:
    for letter in _head(service)[:-2] + b"X: " + b"a" * 1_000:
        flood.say(line, bytes((letter,)))
        if not flood.search.goes_on() or await line.ended(chance.choice((0.05, 0.2))):
            return


async def half_a_body(flood: Flood, line: Line, service: str, chance: Random) -> None:
    length = b"Content-Length: %d\r\n\r\n" % FULL_BODY
    flood.say(
        line, _head(service)[:-2] + length + b" " * chance.choice((4_000, FULL_BODY - 100, FULL_BODY - 100))
    )
    await flood.rest(line, chance)


async def chunks_without_end(flood: Flood, line: Line, service: str, chance: Random) -> None:
    flood.say(line, _head(service)[:-2] + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(chance.choice((4, 60, 600))):
        flood.say(line, b"40\r\n" + b" " * 64 + b"\r\n")
        if not flood.search.goes_on() or line.is_closed:
            return
        await asyncio.sleep(0.01)
    await flood.rest(line, chance)


async def asked_and_not_read(flood: Flood, line: Line, service: str, chance: Random) -> None:
    """Send many requests at once, and read none of their answers."""
    line.stop_reading()
    path = "/.well-known/jwks.json" if service == "broker" else "/.well-known/oauth-protected-resource"
    flood.say(line, request("GET", path) * chance.choice((10, 200)))
    await flood.rest(line, chance)


async def stream_not_read(flood: Flood, line: Line, service: str, chance: Random) -> None:
    if service == "chat_proxy":
        line.stop_reading()
        flood.say(line, chance.choice(flood.readers).question("events=2000 pace=20", events=True))
    await flood.rest(line, chance)


async def refused(flood: Flood, line: Line, service: str, chance: Random) -> None:
    flood.say(line, chance.choice((b"\x16\x03\x01\x02\x00\x01\n", _head(service) * 2, b"GET /\r\n\r\n")))
    await line.ended(0.5)


Kind = Callable[[Flood, Line, str, Random], Awaitable[None]]
KINDS: Final[tuple[Kind, ...]] = (
    *(silent, half_a_head, dribble, half_a_body, half_a_body, chunks_without_end),
    *(asked_and_not_read, stream_not_read, refused),
)


def _head(service: str) -> bytes:
    path = "/api/auth/sign-in/email" if service == "broker" else "/chat"
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Done:
    """The number of connections, the bytes that they sent, and the number of each kind."""

    opened: int
    sent: int
    kinds: Counter[str]


async def crowd(
    search: Search, ports: dict[str, int], readers: Sequence[Reader], address: str | None
) -> Done:
    """Run the flood. `ports` are those of `broker` and `chat_proxy`; all connections come from `address`, or
    from any for None."""
    os.nice(NICE)
    flood = Flood(search, ports, readers, address)
    search.begin()
    await asyncio.gather(*(flood.run(search.first + at) for at in range(CONNECTIONS)))
    return Done(flood.opened, flood.sent, flood.kinds)
