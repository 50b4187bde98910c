"""Redis stands still: how soon the first questions are refused, and those after them."""

import os
import signal
import time
from statistics import median

import redis

from bench import load
from bench.figures import Figure
from bench.load import percentile
from bench.stack import Stack, answers

NAME = "outage"
AT_ONCE = 50
ROUNDS = 20


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    rounds = 2 if quick else ROUNDS
    requests = [reader.question("How often?") for reader in stack.readers(AT_ONCE)]
    with redis.Redis.from_url(stack.redis_url) as client:
        server = client.info("server")["process_id"]
    first: list[float] = []
    later: list[float] = []
    wrong = 0
    for _ in range(rounds):
        os.kill(server, signal.SIGSTOP)
        try:
            for times in (first, later):
                found = stack.load.call(load.ask_all, stack.proxy.port, requests, AT_ONCE)
                times += [(answer.ended_at - answer.asked_at) * 1000 for answer in found]
                wrong += sum(answer.status != 503 for answer in found)
        finally:
            os.kill(server, signal.SIGCONT)
        while not (answers(stack.proxy.port, "/readyz") and answers(stack.broker.port, "/readyz")):
            # Nothing tells from outside when a service has Redis back.
            time.sleep(0.05)
    return [
        Figure(
            NAME,
            f"of {len(first) + len(later)} questions while Redis stands still, not refused",
            wrong,
            "",
            0,
        ),
        Figure(NAME, f"first answer of {len(first)}, p99", percentile(first, 0.99), "ms", 300),
        Figure(NAME, "the next answer, median", median(later), "ms"),
        Figure(NAME, "the next answer, p99", percentile(later, 0.99), "ms", 300),
    ]
