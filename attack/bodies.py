"""Search `bodies`: send generated bodies to every endpoint that takes one, and time a bystander's wait."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from attack.inputs.credentials import holder
from attack.inputs.endpoints import Endpoint, endpoints
from attack.inputs.requests import Attempt, Site, attempt
from attack.judging import manners
from attack.report import Found
from attack.searches import Search, chance_of
from attack.stack import Stack
from attack.wire import Line
from bench.http1 import request
from bench.load import Connection
from bench.stack import BOOK_PAGE, Reader

NAME: Final = "bodies"
READERS: Final = 48
ANSWER_WITHIN: Final = 10.0
"""Seconds until a body's answer is whole; requests that wait for a password's hash take longest."""
STALL_MS: Final = 50.0
"""The time for which one body may delay a bystander, who only asks whether the service is alive. A body is
read and judged in 2 ms at most (`make bench`); the rest is other work of the machine, which does not delay
every repeat."""
NOTICED_MS: Final = 5.0
REPEATS: Final = 5
"""Times that a body is sent again if the bystander waited for longer than NOTICED_MS: the shortest wait
counts."""
ALIVE: Final = request("GET", "/healthz")
GUESTS_AT_ONCE: Final = 16


@dataclass
class Sender:
    """Sends one body after the other to one service, so that a wait is due to one body alone."""

    search: Search
    stack: Stack
    service: str
    endpoints: Sequence[Endpoint]
    readers: Sequence[Reader]
    site: Site
    found: Found
    worst_ms: float = 0.0
    guests: list[Reader] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.stack.services[self.service].port

    async def run(self) -> None:
        self.bystander = await Connection.open(self.port)
        number = self.search.first
        while self.search.goes_on() and not self.found.faults:
            await self._try(number)
            number += 1
        self.bystander.close()

    async def _try(self, number: int) -> None:
        chance = chance_of(self.search.seed, f"{NAME}/{self.service}", number)
        endpoint = chance.choice(self.endpoints)
        made = attempt(chance, endpoint, await self._reader(chance, endpoint), self.site)
        self.found.attempts += 1
        fault, waited = await self._send(made)
        for _ in range(REPEATS):
            if fault is not None or waited <= NOTICED_MS:
                break
            fault, again = await self._send(made)
            waited = min(waited, again)
        self.worst_ms = max(self.worst_ms, waited)
        if fault is None and waited > STALL_MS:
            fault = f"the bystander waited {waited:.0f} ms"
        if fault is not None:
            self.found.add(f"{self.service} {made.method} {made.path}: {fault}", number, made.raw)

    async def _reader(self, chance: Random, endpoint: Endpoint) -> Reader:
        """A reader for the endpoint: a guest if a request to it may end the session."""
        at = chance.randrange(len(self.readers))
        if not endpoint.ends_sessions:
            return self.readers[at]
        if not self.guests:
            self.guests = await self.stack.guests(GUESTS_AT_ONCE, self.site.page)
        return self.guests.pop()

    async def _send(self, made: Attempt) -> tuple[str | None, float]:
        """The fault of the answer, or None, and the bystander's wait in milliseconds."""
        line = await Line.open(self.port, [made.method])
        try:
            for piece in made.pieces:
                line.say(piece)
                # One turn of the loop sends each piece as a segment of its own.
                await asyncio.sleep(0)
            if not self.bystander.is_open:
                # The service may have closed it as idle while the sender waited for an answer.
                self.bystander = await Connection.open(self.port)
            alive = await self.bystander.ask(ALIVE)
            waited = (alive.ended_at - alive.asked_at) * 1000
            is_answered = await line.heard(1, ANSWER_WITHIN)
            return _judged(self.service, made.path, line, is_answered=is_answered), waited
        finally:
            line.close()


def _judged(service: str, path: str, line: Line, *, is_answered: bool) -> str | None:
    if line.fault is not None:
        return line.fault
    if not line.replies:
        return "the connection was closed without an answer" if is_answered else "no answer in time"
    return manners.fault(service, path, line.replies[0])


async def run(search: Search, stack: Stack) -> Found:
    found = Found(NAME)
    taken = endpoints(stack.environ)
    readers = await stack.readers(READERS, BOOK_PAGE)
    async with holder(stack) as held:
        where = Site(BOOK_PAGE, stack.issuer, stack.secret, held.client.refresh_token)
    senders = [
        Sender(search, stack, name, [one for one in taken if one.service == name], readers, where, found)
        for name in stack.services
    ]
    search.begin()
    await asyncio.gather(*(one.run() for one in senders))
    found.see("a bystander's longest wait", max(one.worst_ms for one in senders), "ms", STALL_MS)
    return found
