"""Readers of a real proxy who ask all through a fault, and the answers that they got."""

import asyncio
import contextlib
import itertools
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from redis.crc import key_slot

from broker.storage.redis import RedisSessions
from chat_proxy import redis_keys
from chat_proxy.admission.places import LEASE_MS
from edge.redis.client import Store, StoreUnavailable, command
from edge.redis.commands import DEADLINE
from tests.chat_proxy.service import Service, running
from tests.chat_proxy.waiting import until
from tests.topologies.nodes import Node
from tests.topologies.together import Together
from tokens import liveness

PAUSE = 0.02
TICK = 0.01
WITHIN = 0.3
BACK_WITHIN = 3.0


class Readers:
    """The first of `subs` and `other` have a session that lives. The bearers of `ended` had theirs revoked,
    and that was acknowledged; whether a refused revocation took effect is not known."""

    def __init__(self, service: Service, subs: Sequence[str], other: str) -> None:
        self.service = service
        self.sub, *self._ending = subs
        self.other = other
        self.ended: list[str] = []
        self.answers: dict[str, Counter[int]] = {self.sub: Counter(), other: Counter()}
        self.let_in: list[int] = []
        self._taken: list[tuple[float, float]] = []
        self._stalls: list[tuple[float, float]] = []
        self._is_over = False

    async def sign_in(self) -> None:
        """The two who stay, and as many sessions to be ended as others may have."""
        self.bearers = {sub: await self.service.sign_in("s1", sub) for sub in (self.sub, self.other)}
        names = [(f"e{number}", sub) for sub in self._ending for number in range(40)]
        self._to_end = [(sid, sub, await self.service.sign_in(sid, sub)) for sid, sub in names]

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        work = [
            self._watch_the_clock(),
            self._ask(self.sub),
            self._ask(self.other),
            self._end(),
            self._ask_ended(),
        ]
        self._is_over = False
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            # They are not cancelled: a client that is cancelled while it connects leaves its socket open.
            self._is_over = True
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    def slowest(self) -> float:
        """Seconds of a refusal, less those in which this process stood still, which has not all the machine.
        An answer takes two flights and the backend's time, and may be later."""
        return max(
            (
                end - start - sum(late for at, late in self._stalls if start <= at <= end + late)
                for start, end in self._taken
            ),
            default=0.0,
        )

    async def _watch_the_clock(self) -> None:
        while not self._is_over:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            late = time.monotonic() - due
            if late > TICK:
                self._stalls.append((due + late, late))

    async def is_answered(self) -> bool:
        status = await self._status(self.bearers[self.sub])
        assert status in (200, 503)
        return status == 200

    async def all_ended_are_refused(self) -> None:
        async with asyncio.timeout(BACK_WITHIN):
            for bearer in self.ended:
                # The proxy may hold one of its two connections to be broken for a moment longer.
                while (status := await self._status(bearer)) == 503:  # noqa: ASYNC110 - seen by asking
                    await asyncio.sleep(PAUSE)
                assert status == 401

    async def _status(self, bearer: str) -> int:
        start = time.monotonic()
        answer = await self.service.ask(bearer)
        if answer.status_code != 200:
            self._taken.append((start, time.monotonic()))
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code

    async def _ask(self, sub: str) -> None:
        while not self._is_over:
            self.answers[sub][await self._status(self.bearers[sub])] += 1
            await asyncio.sleep(PAUSE)

    async def _end(self) -> None:
        sessions = RedisSessions(self.service.store)
        for sid, sub, bearer in self._to_end:
            if self._is_over:
                return
            start = time.monotonic()
            try:
                if await sessions.revoke(sub, sid):
                    self.ended.append(bearer)
            except StoreUnavailable:
                self._taken.append((start, time.monotonic()))
            await asyncio.sleep(PAUSE * 2)

    async def _ask_ended(self) -> None:
        for turn in itertools.count():
            if self._is_over:
                return
            if self.ended:
                bearer = self.ended[turn % len(self.ended)]
                status = await self._status(bearer)
                if status not in (401, 503):
                    self.let_in.append(status)
            await asyncio.sleep(PAUSE)


def subjects(together: Any) -> tuple[list[str], str, Node]:
    """Readers whose master is to be harmed, another, and that master. In a Cluster the other one's questions
    go elsewhere: to the masters of the cuts and of the site."""
    names = [f"reader{number:026}" for number in range(100)]
    if not hasattr(together, "key"):
        return names[:4], names[4], together.masters()[0]
    used = {_third(liveness.CUT), _third(redis_keys.state(redis_keys.site("docs")))}
    victim = min({0, 1, 2} - used)
    felt = [sub for sub in names if _third(redis_keys.user(sub)) == victim][:4]
    spared = next(sub for sub in names if _third(redis_keys.user(sub)) in used)
    return felt, spared, together.servers[victim]


def _third(key: str) -> int:
    return key_slot(key.encode()) * 3 // 16384


@contextlib.asynccontextmanager
async def readers_of(
    together: Together, folder: Path, url: str | None = None
) -> AsyncIterator[tuple[Readers, Node]]:
    """Revocations are acknowledged by all replicas: with fewer, one that lacks some may become the master.

    Asserts at the end that no reader was let in or kept waiting, and that nothing is left behind.
    """
    before = _held()
    subs, other, victim = subjects(together)
    url = url or together.url
    async with running(together, folder, redis_url=url, redis_deadline=DEADLINE) as service:
        store = service.store = Store(url, time.monotonic, replicas=together.replicas)
        try:
            # As a broker sets them; on the replicas too, before anything happens.
            await store.commit(command("HSET", liveness.CUT, "all", 1, "kids", "k1,k2"))
            readers = Readers(service, subs, other)
            await readers.sign_in()
            yield readers, victim
            # A release that was lost with the old master leaves a lease at the new one, until that expires.
            await until(lambda: _holds_nothing(readers), LEASE_MS / 1000 + 1)
        finally:
            await store.close()
    await until(lambda: _is(before), 2)
    assert readers.let_in == []
    assert readers.slowest() < WITHIN


async def _holds_nothing(readers: Readers) -> bool:
    try:
        return all([await readers.service.holds_nothing(owner) for owner in (readers.sub, "site:docs")])
    except StoreUnavailable:
        return False


def _held() -> tuple[int, int]:
    """Tasks and open files of this process."""
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


async def _is(before: tuple[int, int]) -> bool:
    return _held() <= before


async def back(readers: Readers, moved: Callable[[], object]) -> None:
    """Wait until `moved` says that there is a new master, and at most BACK_WITHIN more for an answer."""
    async with asyncio.timeout(15):
        while not await asyncio.to_thread(moved):  # noqa: ASYNC110 - seen by asking the servers
            await asyncio.sleep(PAUSE)
    await until(readers.is_answered, BACK_WITHIN)
