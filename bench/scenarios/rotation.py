"""The signing key changes while readers ask: no valid token of the old or the new key is refused."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.figures import Figure
from bench.load import Answer, Connection, percentile
from bench.processes import ROOT
from bench.stack import Reader, Stack

NAME = "rotation"
READERS = 32
PAUSE = 0.05
"""Seconds between two rounds of one reader, whose limit is a hundred questions a second."""
GIVE_UP = 120.0
OLD, NEW, UNSURE = "the old key", "the new key", ""
REFUSALS = (401, 403)


@dataclass(slots=True)
class Seen:
    """Questions by the token's key and the answer's status; `waited` are milliseconds."""

    questions: Counter[tuple[str, int]] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    waited: list[float] = field(default_factory=list)

    def add(self, key: str, answer: Answer) -> None:
        self.questions[key, answer.status] += 1
        self.waited.append((answer.ended_at - answer.asked_at) * 1000)


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds = 2.0 if quick else 30.0
    readers = stack.readers(READERS)
    loading = stack.load.start(ask_on, stack.broker.port, stack.proxy.port, readers, seconds)
    # This only rotates the key some time during the load; the load finds the moment in the tokens.
    time.sleep(seconds)
    rotate = [sys.executable, "-m", "chatgate", "keys", "rotate", "--wait"]
    subprocess.run(rotate, env=stack.environ, cwd=ROOT, check=True, capture_output=True)
    seen: Seen = loading.result()
    asked = sum(seen.questions.values())
    refused = sum(count for (_, status), count in seen.questions.items() if status in REFUSALS)
    unsure = asked - refused - sum(seen.questions[key, 200] for key in (OLD, NEW)) + seen.tokens[UNSURE]
    return [
        Figure(NAME, f"of {asked} questions with good tokens, refused", refused, "", 0),
        Figure(
            NAME,
            "questions with tokens of the old key, answered",
            seen.questions[OLD, 200],
            "",
            1,
            "at least",
        ),
        Figure(
            NAME,
            "questions with tokens of the new key, answered",
            seen.questions[NEW, 200],
            "",
            1,
            "at least",
        ),
        Figure(NAME, "503, as Redis did not answer in time", unsure, ""),
        Figure(NAME, "tokens of the new key", seen.tokens[NEW], ""),
        Figure(NAME, "question answered, p99", percentile(seen.waited, 0.99), "ms"),
    ]


async def ask_on(broker: int, proxy: int, readers: Sequence[Reader], seconds: float) -> Seen:
    """Ask until `seconds` after the first token with another key than the readers' first tokens."""
    seen = Seen()
    first = _kid(readers[0].token)
    rotated_at: list[float] = []
    begun = time.monotonic()

    async def work(reader: Reader) -> None:
        to_broker, to_proxy = await Connection.open(broker), await Connection.open(proxy)
        while not rotated_at or time.monotonic() - rotated_at[0] < seconds:
            assert time.monotonic() - begun < GIVE_UP, "there was no rotation"
            await asyncio.sleep(PAUSE)
            answer = await to_broker.ask(reader.token_request())
            if answer.status != 200:
                # A busy machine may exceed the deadline of Redis; the answer says nothing about the session.
                assert answer.status == 503, answer
                seen.tokens[UNSURE] += 1
                continue
            token = answer.json()["token"]
            key = OLD if _kid(token) == first else NEW
            seen.tokens[key] += 1
            if key == NEW:
                rotated_at.append(time.monotonic())
            question = Reader(reader.cookie, token).question("How often?")
            seen.add(key, await to_proxy.ask(question))
            seen.add(OLD, await to_proxy.ask(reader.question("How often?")))
        to_broker.close()
        to_proxy.close()

    await asyncio.gather(*(work(reader) for reader in readers))
    return seen


def _kid(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
