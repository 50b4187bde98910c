"""A rush: two hundred sign-ins at once, at the real cost of a hash, while others renew their tokens."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import load
from bench.figures import Figure
from bench.load import Answer, Plan, percentile
from bench.stack import ACCOUNTS, Stack

NAME = "sign_ins"
WITHIN = 10.0
OTHERS = 4
PAUSE = 0.02
"""Seconds between two tokens of one of the others: together a few hundred a second, which is no flood."""


@dataclass(frozen=True, slots=True)
class Rush:
    sign_ins: list[Answer]
    begun: float
    tokens: load.Tally


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    count = 20 if quick else ACCOUNTS
    others = [reader.token_request() for reader in stack.guests(OTHERS)]
    stack.readers(count)
    rush: Rush = stack.load.call(rush_in, stack.broker.port, stack.sign_ins(count), others)
    rush.tokens.require(200)
    soon = [one for one in rush.sign_ins if one.status == 200 and one.ended_at - rush.begun <= WITHIN]
    refused = [one for one in rush.sign_ins if one.status in (429, 503) and "retry-after" in one.headers]
    strange = len(rush.sign_ins) - sum(one.status == 200 for one in rush.sign_ins) - len(refused)
    last = max((one.ended_at - rush.begun for one in soon), default=0.0)
    return [
        Figure(NAME, f"of {count} at once, signed in within 10 s", len(soon), "", count // 2, "at least"),
        Figure(NAME, "refused with 503 or 429 and Retry-After", len(refused), ""),
        Figure(NAME, "anything else", strange, "", 0),
        Figure(NAME, "until the last of them was signed in", last, "s"),
        Figure(
            NAME,
            "time to a token for others meanwhile, p99",
            percentile(rush.tokens.latencies, 0.99),
            "ms",
            50,
        ),
    ]


async def rush_in(broker: int, sign_ins: Sequence[bytes], others: Sequence[bytes]) -> Rush:
    done = asyncio.Event()

    async def renew() -> load.Tally:
        tally = load.Tally()
        while not done.is_set():
            part = await load.run(Plan(broker, others, len(others), 0.25, PAUSE))
            tally.statuses.update(part.statuses)
            tally.latencies += part.latencies
        return tally

    renewing = asyncio.create_task(renew())
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    answers = await load.ask_all(broker, sign_ins, len(sign_ins))
    done.set()
    return Rush(answers, begun, await renewing)
