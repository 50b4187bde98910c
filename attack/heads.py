"""Search `heads`: send changed request heads and changed credentials over raw connections.

A valid request follows each changed one, so that every part that the service reads as a request gets an
answer. h11 parses the same bytes independently, and gives the expected number of requests.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import h11

from attack.inputs import head_parts
from attack.inputs.credentials import Changed, Holder, holder
from attack.inputs.requests import cut
from attack.judging import manners
from attack.report import Found
from attack.searches import Search, chance_of
from attack.stack import Stack
from attack.wire import Line, Reply
from bench.http1 import request

NAME: Final = "heads"
ANSWER_WITHIN: Final = 10.0
"""Seconds until every whole request is answered."""
CLOSE_WITHIN: Final = 5.0
"""Seconds until a service closes a connection on which no request is left."""
BEHIND: Final = request("GET", "/healthz", headers={"Connection": "close"})
MAX_INCOMPLETE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """h11's reading of bytes: the number of whole requests, the number of requests whose head is whole, and
    whether h11 waits for more. `methods` are theirs, and that of the bytes after them."""

    whole: int
    begun: int
    waits: bool
    methods: Sequence[str]


def seen(raw: bytes) -> Seen:
    methods = [_method_of(raw)]
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_INCOMPLETE)
    connection.receive_data(raw)
    whole = begun = 0
    try:
        while True:
            event = connection.next_event()
            begun += isinstance(event, h11.Request)
            if isinstance(event, h11.EndOfMessage):
                whole += 1
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return Seen(whole, begun, waits=False, methods=methods)
                connection.start_next_cycle()
                methods.append(_method_of(connection.trailing_data[0]))
            elif not isinstance(event, h11.Request | h11.Data):
                return Seen(whole, begun, waits=event is h11.NEED_DATA, methods=methods)
    except h11.ProtocolError:
        return Seen(whole, begun, waits=False, methods=methods)


def _method_of(raw: bytes) -> str:
    # This holds for an unreadable request too: the refusal of a HEAD request has no body.
    return "HEAD" if raw.startswith(b"HEAD ") else "GET"


def judged(service: str, replies: Sequence[Reply], expected: Seen) -> str | None:
    """The fault of a connection's answers once it has ended, or None."""
    for reply in replies:
        fault = manners.fault_anywhere(service, reply)
        if fault is not None:
            return fault
    count = len(replies)
    # A head with a malformed body may be answered before the service has read that body.
    is_refused = count == expected.whole + 1 and manners.is_from_the_door(replies[-1])
    if count > max(expected.begun, expected.whole + is_refused):
        return f"{count} answers to {expected.begun} requests"
    if count < expected.whole and not (replies and replies[-1].closes):
        return f"{count} answers to {expected.whole} requests, and the connection was closed"
    return None


@dataclass
class Sender:
    search: Search
    stack: Stack
    service: str
    holder: Holder
    found: Found
    worst_ms: float = 0.0

    @property
    def port(self) -> int:
        return self.stack.services[self.service].port

    async def run(self) -> None:
        number = self.search.first
        loop = asyncio.get_running_loop()
        while self.search.goes_on() and not self.found.faults:
            began = loop.time()
            await self._try(number)
            self.worst_ms = max(self.worst_ms, (loop.time() - began) * 1000)
            number += 1

    async def _try(self, number: int) -> None:
        chance = chance_of(self.search.seed, f"{NAME}/{self.service}", number)
        self.found.attempts += 1
        if chance.random() < 0.4:
            changed = self.holder.changed(chance, self.service)
            fault, raw = await self._show(changed, chance)
        else:
            raw = head_parts.changed(chance, self.holder.requests(self.service)) + BEHIND
            fault = await self._send(raw, chance)
        if fault is not None:
            self.found.add(f"{self.service}: {fault}", number, raw)

    async def _show(self, changed: Changed, chance: Random) -> tuple[str | None, bytes]:
        line = await self._said(changed.raw, [changed.method], chance)
        try:
            if not await line.heard(1, ANSWER_WITHIN) or not line.replies:
                return line.fault or "a request with changed credentials has no answer", changed.raw
            [reply, *_] = line.replies
            if reply.status < 400:
                return f"{changed.what} was let in with {reply.status}", changed.raw
            return manners.fault_anywhere(self.service, reply), changed.raw
        finally:
            line.close()

    async def _send(self, raw: bytes, chance: Random) -> str | None:
        expected = seen(raw)
        line = await self._said(raw, expected.methods, chance)
        try:
            if not await line.heard(expected.whole, ANSWER_WITHIN):
                return f"{len(line.replies)} answers to {expected.whole} requests in time"
            if expected.waits:
                # The service would otherwise wait for the rest of the request.
                line.say_no_more()
            if not await line.ended(CLOSE_WITHIN):
                return "the connection was left open"
            return line.fault or judged(self.service, line.replies, expected)
        finally:
            line.close()

    async def _said(self, raw: bytes, methods: Sequence[str], chance: Random) -> Line:
        line = await Line.open(self.port, methods)
        for piece in cut(chance, raw):
            line.say(piece)
            await asyncio.sleep(0)
        return line


async def run(search: Search, stack: Stack) -> Found:
    found = Found(NAME)
    async with holder(stack) as held:
        senders = [Sender(search, stack, name, held, found) for name in stack.services]
        search.begin()
        await asyncio.gather(*(one.run() for one in senders))
    for name, service in stack.services.items():
        if service.process.poll() is not None:
            found.add(f"{name} has ended", search.first, b"")
    found.see("longest attempt", max(one.worst_ms for one in senders), "ms", ANSWER_WITHIN * 1000)
    return found
