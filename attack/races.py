"""Search `races`: end a session, a token, an account or a conversation while requests go on."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio import Redis

from attack.judging.leftovers import leftovers
from attack.racing import deletions
from attack.racing.ends import ENDS, End, introspection, still_good
from attack.racing.racer import OAUTH, Racer, question
from attack.report import Found
from attack.searches import Search, chance_of
from attack.stack import GATEWAY, Stack
from bench.load import Answer, Connection

NAME: Final = "races"
LANES: Final = 2
CUT_MS: Final = 1_000.0
"""The bound from the end's 2xx to the last byte of a stream that it ended. A message cuts the stream in some
milliseconds; without one the next renewal does, up to 3 s later. The bound between the two leaves room for
the stalls of a busy machine."""
AFTER: Final = 0.15
"""Seconds for which the requests go on after the end."""
PATIENCE: Final = 5.0
CLEAR_WITHIN: Final = 2.0
"""Seconds until Redis has no key of a deleted account: answers that were cut have to give their places
back."""
CHECKED: Final = 6
"""The number of a session's latest tokens that are tried at the end of a round."""
LISTED: Final = 40


@dataclass(slots=True)
class Round:
    """`ends` has each End that was answered with 2xx, and the time of that answer (monotonic seconds)."""

    racer: Racer
    ends: list[tuple[End, float]] = field(default_factory=list)
    refused: list[tuple[End, int]] = field(default_factory=list)
    worst_ms: float = 0.0

    def ended_at(self, source: str, used: str) -> float | None:
        times = [at for end, at in self.ends if end.covers(source, used)]
        return min(times) if times else None

    def late(self) -> list[str]:
        """Faults: requests that began after their end and still succeeded, or that failed."""
        found = []
        for one in self.racer.asked:
            ended_at = self.ended_at(one.source, one.used)
            if one.status >= 500 and one.status != 503:
                found.append(f"a {one.what} was answered {one.status}")
            elif ended_at is not None and one.asked_at > ended_at and one.status < 300:
                after = (one.asked_at - ended_at) * 1000
                found.append(f"a {one.what} of {one.source} {after:.1f} ms after its end was answered")
        return found

    def lasted(self) -> list[str]:
        """Faults: streams that outlived their end by more than CUT_MS."""
        found = []
        for one in self.racer.streams:
            ended_at = self.ended_at(one.source, one.used)
            if ended_at is None or not one.is_answer:
                continue
            lived = (one.ended_at - ended_at) * 1000 if one.ended_at else PATIENCE * 1000
            self.worst_ms = max(self.worst_ms, lived)
            if lived > CUT_MS:
                found.append(f"a stream of {one.source} lived for {lived:.0f} ms after its end")
        return found

    def told(self) -> bytes:
        """The requests around the end as JSON, to be saved in a file."""
        at = min((at for _, at in self.ends), default=0.0)
        near = sorted(self.racer.asked, key=lambda one: abs(one.asked_at - at))[:LISTED]
        steps: dict[str, Any] = {
            "ends": {end.name: round((when - at) * 1000, 1) for end, when in self.ends},
            "requests around the end (ms)": [
                (one.what, one.source, round((one.asked_at - at) * 1000, 1), one.status) for one in near
            ],
        }
        return json.dumps(steps, indent=1).encode()


async def run(search: Search, stack: Stack) -> Found:
    found = Found(NAME)
    worst = [0.0]
    search.begin()

    async def lane(first: int) -> None:
        number = first
        while search.goes_on() and not found.faults:
            chance = chance_of(search.seed, NAME, number)
            found.attempts += 1
            if chance.random() < 0.3:
                faults, told = await deletions.round_of(stack, chance)
            else:
                played = await _play(Racer(stack, chance))
                faults, told = await _judged(stack, played), played.told()
                worst[0] = max(worst[0], played.worst_ms)
            for fault in faults[:1]:
                found.add(fault, number, told)
            number += LANES

    await asyncio.gather(*(lane(search.first + at) for at in range(LANES)))
    found.see("a stream's longest life after its end", worst[0], "ms", CUT_MS)
    return found


async def _play(racer: Racer) -> Round:
    played, chance = Round(racer), racer.chance
    await racer.enter()
    await racer.begin()
    await asyncio.sleep(chance.uniform(0, 0.05))
    made = [make(racer) for make in chance.sample(ENDS, 2 if chance.random() < 0.3 else 1)]
    for end, answer in zip(made, await asyncio.gather(*(_sent(racer, one) for one in made)), strict=True):
        if answer.status < 300:
            played.ends.append((end, answer.ended_at))
        else:
            played.refused.append((end, answer.status))
    await asyncio.sleep(AFTER)
    if any(played.ended_at(one.source, one.used) is not None for one in racer.streams):
        await _cut(played)
    await racer.stop(0.5)
    return played


async def _sent(racer: Racer, end: End) -> Answer:
    line = await Connection.open(racer.stack.broker.port)
    try:
        return await line.ask(end.raw)
    finally:
        line.close()


async def _cut(played: Round) -> None:
    """Wait until the streams that should have been cut are over, or PATIENCE has passed."""
    ended = [one for one in played.racer.streams if played.ended_at(one.source, one.used) is not None]
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + PATIENCE
    while not all(one.ended_at for one in ended) and loop.time() < ends_at:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def _judged(stack: Stack, played: Round) -> list[str]:
    faults = [*played.late(), *played.lasted()]
    # When two requests end the same session, the second may find it gone.
    if not played.ends:
        faults += [f"{end.name} was answered {status}" for end, status in played.refused if status != 503]
    faults += await _left_good(stack, played)
    if any(end.deletes for end, _ in played.ends):
        names = await _left_in_redis(stack, played.racer.sub)
        faults += [f"Redis still has {', '.join(names[:3])}"] if names else []
    return faults


async def _left_good(stack: Stack, played: Round) -> list[str]:
    """Faults: tokens that are valid although their session has ended, and sessions that have ended although
    no End covered them."""
    faults = []
    known = base64.b64encode(f"{GATEWAY}:{stack.secret}".encode()).decode()
    broker, proxy = await Connection.open(stack.broker.port), await Connection.open(stack.proxy.port)
    for source in played.racer.sources.values():
        for token in source.tokens[-CHECKED:]:
            has_ended = played.ended_at(source.name, token) is not None
            told = (await broker.ask(introspection(token, known))).json()["active"]
            if told and has_ended:
                faults.append(f"a token of {source.name} is active after its end")
            if not told and not has_ended and not played.refused:
                faults.append(f"a token of {source.name} was ended by {_names(played.ends)}")
            if has_ended and source.name != OAUTH:
                answer = await proxy.ask(question(token, "How often?", "s1"))
                if answer.status < 300:
                    faults.append(f"a token of {source.name} asks after its end")
        if source.reader is not None:
            is_alive = (await broker.ask(still_good(source))).status == 200
            if is_alive and played.ended_at(source.name, "") is not None:
                faults.append(f"the session {source.name} is alive after its end")
    broker.close()
    proxy.close()
    return faults


def _names(ends: Sequence[tuple[End, float]]) -> str:
    return " and ".join(end.name for end, _ in ends)


async def _left_in_redis(stack: Stack, sub: str) -> list[str]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + CLEAR_WITHIN
    store: Redis = Redis(unix_socket_path=stack.socket)
    try:
        while (names := await leftovers(store, sub)) and loop.time() < ends_at:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        await store.aclose()
    return names
