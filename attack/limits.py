"""Search `limits`: a few readers ask at two sites with limits of their own, from many connections, some of
which close before their answer is over."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from redis.asyncio import Redis

from attack.judging.admitted import Admitted, excess, most_at_once
from attack.report import Found
from attack.searches import Search, chance_of
from attack.stack import FAST, OPEN_STREAMS, SLOW, Limits, Stack, sub_of
from bench.http1 import BadAnswer
from bench.load import Connection
from bench.stack import Reader, sign_in, sign_up, signed_in
from chat_proxy import redis_keys
from tokens import readers as reader_keys

NAME: Final = "limits"
READERS: Final = 3
CONNECTIONS: Final = 24
PAUSE: Final = 0.06
REST: Final = 1.5
"""Seconds between two questions of one connection, at most: PAUSE, and REST for one pause in ten, in which a
burst becomes whole again."""
A_TENTH: Final = 0.1
"""The part of a question that is no fault: the proxy rounds by a hundredth in the reader's favour, and the
clocks of Redis and of this process differ."""
CLEAR_WITHIN: Final = 3.0
"""Seconds until the place of an answer whose client has disconnected is given back."""
_SENT: Final = re.compile(rb'"text": ?"\d+ ([\d.]+) ')


@dataclass(frozen=True, slots=True)
class Asker:
    """A reader at a site."""

    sub: str
    limits: Limits
    reader: Reader

    @property
    def leases(self) -> str:
        return redis_keys.leases(reader_keys.reader(self.sub, self.limits.site))


@dataclass
class Run:
    search: Search
    port: int
    askers: Sequence[Asker]
    admitted: dict[Asker, list[Admitted]] = field(default_factory=dict)
    asked: int = 0
    faults: list[str] = field(default_factory=list)

    async def connection(self, number: int) -> None:
        chance = chance_of(self.search.seed, NAME, number)
        while self.search.goes_on():
            asker = chance.choice(self.askers)
            admitted = await self._ask(asker, chance)
            if admitted is not None:
                self.admitted.setdefault(asker, []).append(admitted)
            pause = REST if chance.random() < 0.1 else PAUSE
            await asyncio.sleep(min(self.search.left, chance.uniform(0, pause)))

    async def _ask(self, asker: Asker, chance: Random) -> Admitted | None:
        """Ask one question. None if it was refused, or if the client left before it could tell."""
        self.asked += 1
        heard_at, sent_at, is_answer = 0.0, 0.0, False
        events = chance.random() < 0.8

        def hear(piece: bytes, now: float) -> None:
            nonlocal heard_at, sent_at, is_answer
            heard_at = heard_at or now
            is_answer = is_answer or piece.startswith(b"event: start")
            # The backend's time: when a piece arrives here, the place may have been given back already.
            sent_at = max([sent_at, *(float(at) for at in _SENT.findall(piece))])

        text = f"events={chance.randint(1, 40)} pace=50"
        line = await Connection.open(self.port)
        asked_at = time.monotonic()
        raw = asker.reader.question(text, events=events, page=asker.limits.page)
        asking = asyncio.ensure_future(line.ask(raw, hear if events else None))
        await asyncio.wait([asking], timeout=chance.uniform(0, 0.8) if chance.random() < 0.4 else None)
        left_at = time.monotonic()
        is_over = asking.done()
        line.close()
        try:
            answer = await asking
        except (ConnectionError, BadAnswer):
            if is_over:
                self.faults.append("an answer was cut")
            # This client left: if it had an answer by then, it held a place until then.
            return Admitted(asked_at, heard_at, left_at) if is_answer and not is_over else None
        if answer.status not in (200, 429, 503):
            self.faults.append(f"a question was answered {answer.status}")
        if answer.status != 200:
            return None
        if not events:
            return Admitted(asked_at, answer.ended_at, answer.ended_at)
        return Admitted(asked_at, heard_at, max(heard_at, sent_at))


async def run(search: Search, stack: Stack, limits: Sequence[Limits] = (SLOW, FAST)) -> Found:
    """Run the search. `limits` are those that each site must keep."""
    found = Found(NAME)
    askers = [asker for _ in range(READERS) for asker in await _enter(stack, limits)]
    search.begin()
    running = Run(search, stack.proxy.port, askers)
    await asyncio.gather(*(running.connection(search.first + at) for at in range(CONNECTIONS)))
    found.attempts = running.asked
    for fault in running.faults[:1]:
        found.add(fault, search.first, _told(running))
    for one in limits:
        of_site = [running.admitted.get(asker, []) for asker in askers if asker.limits is one]
        beyond = max(excess(questions, one) for questions in of_site)
        found.see(f"questions at {one.site} beyond burst and rate", beyond, "", A_TENTH)
        at_once = max(most_at_once(questions) for questions in of_site)
        found.see(f"answers of a reader at {one.site} at once", at_once, "", one.concurrent)
        together = most_at_once(admitted for questions in of_site for admitted in questions)
        found.see(f"of all at {one.site}", together, "", OPEN_STREAMS)
        if not all(of_site):
            found.add(f"a reader was never let in at {one.site}", search.first, _told(running))
    found.see("leases left", await _left(stack, askers), "", 0)
    if found.is_fault and not found.faults:
        found.add("a limit was passed", search.first, _told(running))
    return found


async def _enter(stack: Stack, limits: Sequence[Limits]) -> list[Asker]:
    """A new reader, signed in at every site."""
    email = f"{secrets.token_hex(8)}@example.org"
    found = []
    for at, one in enumerate(limits):
        asked = (sign_in if at else sign_up)(email, one.page)
        [reader] = await signed_in(stack.broker.port, [asked], one.page)
        found.append(Asker(sub_of(reader.token), one, reader))
    return found


async def _left(stack: Stack, askers: Sequence[Asker]) -> int:
    names = {asker.leases for asker in askers}
    names |= {redis_keys.leases(redis_keys.site(asker.limits.site)) for asker in askers}
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + CLEAR_WITHIN
    store: Redis = Redis(unix_socket_path=stack.socket)
    try:
        while left := sum([int(await store.zcard(name)) for name in names]):
            if loop.time() > ends_at:
                return left
            await asyncio.sleep(0.05)
        return 0
    finally:
        await store.aclose()


def _told(running: Run) -> bytes:
    steps = {
        f"{asker.sub} at {asker.limits.site}": [
            (round(one.asked_at, 4), round(one.heard_at, 4), round(one.held_until, 4)) for one in questions
        ]
        for asker, questions in running.admitted.items()
    }
    return json.dumps({"asked, heard and held until (s)": steps}, indent=1).encode()
