"""Search `answers`: be a backend that sends changed HTTP, and see that each reader gets the text that was
meant for them, or an error at once."""

import asyncio
import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from attack.answer_parts import Sent, answered, text_of
from attack.inputs.requests import cut
from attack.report import Found
from attack.searches import Search, chance_of
from attack.stack import ODD_PAGE, Stack
from bench.http1 import HOST
from bench.load import Answer, Connection
from bench.stack import Reader

NAME: Final = "answers"
READERS: Final = 16
ANSWER_WITHIN: Final = 2.0
"""Seconds for one question. The backend waits for nothing, and closes behind what is not whole."""
_NUMBER: Final = re.compile(rb"attempt (\d+)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Backend:
    """`sent` has what was sent for each attempt that reached it."""

    search: Search
    sent: dict[int, Sent] = field(default_factory=dict)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            # The proxy closes a connection whenever it likes.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        asked = _NUMBER.search(await reader.readexactly(int(length[1]) if length else 0))
        if asked is None:
            return False
        number = int(asked[1])
        chance = chance_of(self.search.seed, NAME, number)
        sent = self.sent[number] = answered(chance, number)
        # The bytes behind a whole answer come with its end: later ones would answer the next question.
        for piece in [sent.raw] if sent.is_whole else cut(chance, sent.raw):
            if writer.is_closing():
                return False
            writer.write(piece)
            await asyncio.sleep(0)
        await writer.drain()
        return sent.is_whole


@dataclass
class Asker:
    search: Search
    stack: Stack
    reader: Reader
    backend: Backend
    found: Found
    worst_ms: float = 0.0

    async def run(self, first: int, step: int) -> None:
        line = await Connection.open(self.stack.proxy.port)
        number = first
        while self.search.goes_on() and not self.found.faults:
            if not line.is_open:
                line = await Connection.open(self.stack.proxy.port)
            answer = await line.ask(self.reader.question(f"attempt {number}", page=ODD_PAGE))
            self.found.attempts += 1
            took = answer.ended_at - answer.asked_at
            self.worst_ms = max(self.worst_ms, took * 1000)
            sent = self.backend.sent.pop(number, None)
            fault = judged(answer, number, sent)
            if fault is None and took > ANSWER_WITHIN:
                fault = f"the reader waited {took:.1f} s"
            if fault is not None:
                self.found.add(fault, number, b"" if sent is None else sent.raw)
            number += step
        line.close()


def judged(answer: Answer, number: int, sent: Sent | None) -> str | None:
    """The fault of the proxy's answer to attempt `number`, or None."""
    if answer.status == 200:
        text = json.loads(answer.body).get("response")
        return None if text == text_of(number) else "a reader got the text of another answer"
    if answer.status not in (502, 503):
        return f"answered {answer.status}"
    if sent is not None and sent.is_whole:
        return f"a whole answer was refused with {answer.status}"
    return None


async def run(search: Search, stack: Stack) -> Found:
    found = Found(NAME)
    backend = Backend(search)
    readers: Sequence[Reader] = await stack.readers(READERS, ODD_PAGE)
    server = await asyncio.start_server(backend.serve, HOST, stack.odd_port)
    askers = [Asker(search, stack, reader, backend, found) for reader in readers]
    search.begin()
    await asyncio.gather(*(one.run(search.first + at, len(askers)) for at, one in enumerate(askers)))
    server.close()
    for writer in list(backend.connections):
        writer.close()
    if stack.proxy.process.poll() is not None:
        found.add("chat_proxy has ended", search.first, b"")
    found.see("longest attempt", max(one.worst_ms for one in askers), "ms", ANSWER_WITHIN * 1000)
    return found
