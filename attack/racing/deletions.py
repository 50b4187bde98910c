"""Conversations that are deleted while questions are asked in them, and the messages that may be left."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from attack.racing.racer import bearer, question
from attack.stack import Stack
from bench.http1 import BadAnswer, request
from bench.load import Connection

QUESTIONS: Final = 12
DELETIONS: Final = 4
OVER: Final = 0.25
"""Seconds over which questions and deletions are spread."""


@dataclass(slots=True)
class Message:
    """At `heard_at` the first byte of its answer arrived, so the question had been admitted; times are of the
    monotonic clock."""

    text: str
    asked_at: float = 0.0
    heard_at: float = 0.0
    ended_at: float = 0.0
    status: int = 0


@dataclass(frozen=True, slots=True)
class Deletion:
    asked_at: float
    ended_at: float
    status: int


def wrong(messages: Sequence[Message], deletions: Sequence[Deletion], kept: Sequence[str]) -> list[str]:
    """The faults of a round. `kept` are the texts of the conversation at its end."""
    done = [one for one in deletions if one.status in (204, 404)]
    found = [
        f"a deletion was answered {one.status}" for one in deletions if one.status not in (204, 404, 503)
    ]
    for message in messages:
        if message.text in kept:
            if any(one.asked_at > message.heard_at for one in done):
                found.append("a message outlived the deletion of its conversation")
        elif message.status == 200 and all(one.ended_at < message.asked_at for one in deletions):
            found.append("a message is missing that came after every deletion")
        if message.status >= 500 and message.status != 503:
            found.append(f"a question was answered {message.status}")
    return found


async def round_of(stack: Stack, chance: Random) -> tuple[list[str], bytes]:
    """Play one round. Returns its faults, and its steps as JSON."""
    [reader] = await stack.guests(1) if chance.random() < 0.5 else await stack.readers(1)
    port, name = stack.proxy.port, f"c{chance.randrange(1 << 30)}"
    messages = [Message(f"m{at} events={chance.randint(1, 4)} pace=50") for at in range(QUESTIONS)]
    deletions: list[Deletion] = []

    async def ask(message: Message, delay: float, *, events: bool) -> None:
        await asyncio.sleep(delay)

        def hear(_: bytes, now: float) -> None:
            message.heard_at = message.heard_at or now

        line = await Connection.open(port)
        message.asked_at = time.monotonic()
        try:
            answer = await line.ask(question(reader.token, message.text, name, events=events), hear)
            message.ended_at, message.status = answer.ended_at, answer.status
        except (ConnectionError, BadAnswer):
            message.ended_at = time.monotonic()
        message.heard_at = message.heard_at or message.ended_at
        line.close()

    async def delete(delay: float) -> None:
        await asyncio.sleep(delay)
        line = await Connection.open(port)
        answer = await line.ask(request("DELETE", f"/sessions/{name}", headers=bearer(reader.token)))
        deletions.append(Deletion(answer.asked_at, answer.ended_at, answer.status))
        line.close()

    await asyncio.gather(
        *(ask(one, chance.uniform(0, OVER), events=chance.random() < 0.7) for one in messages),
        *(delete(chance.uniform(0, OVER)) for _ in range(chance.randint(1, DELETIONS))),
    )
    faults = wrong(messages, deletions, await _kept(port, reader.token, name))
    steps = {"questions": [str(one) for one in messages], "deletions": [str(one) for one in deletions]}
    return faults, json.dumps(steps, indent=1).encode()


async def _kept(port: int, token: str, name: str) -> list[str]:
    line = await Connection.open(port)
    answer = await line.ask(request("GET", f"/sessions/{name}", headers=bearer(token)))
    line.close()
    if answer.status != 200:
        return []
    return [one["content"] for one in answer.json()["messages"] if one["role"] == "user"]
