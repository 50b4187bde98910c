"""Redis in trouble: the time until the first questions are refused, and the questions after them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import redis

from bench import load
from bench.figures import Figure
from bench.load import percentile
from bench.processes import answers
from bench.stack import Stack

NAME = "outage"
AT_ONCE = 50
ROUNDS = 20


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    rounds = 1 if quick else ROUNDS
    requests = [reader.question("How often?") for reader in stack.readers(AT_ONCE)]
    figures: list[Figure] = []
    wrong = 0
    with redis.Redis.from_url(stack.redis_url) as client:
        for name, fault in FAULTS.items():
            first: list[float] = []
            later: list[float] = []
            for _ in range(rounds):
                with fault(client):
                    for times in (first, later):
                        found = stack.load.call(load.ask_all, stack.proxy.port, requests, AT_ONCE)
                        times += [(answer.ended_at - answer.asked_at) * 1000 for answer in found]
                        wrong += sum(answer.status != 503 for answer in found)
                while not (answers(stack.proxy.port, "/readyz") and answers(stack.broker.port, "/readyz")):
                    # A service sends no signal when it has Redis back, so it is polled.
                    time.sleep(0.05)
            figures += [
                Figure(
                    NAME,
                    f"Redis {name}: first answer of {len(first)}, p99",
                    percentile(first, 0.99),
                    "ms",
                    300,
                ),
                Figure(NAME, f"Redis {name}: the next answer, median", median(later), "ms"),
                Figure(NAME, f"Redis {name}: the next answer, p99", percentile(later, 0.99), "ms", 300),
            ]
    asked = 2 * AT_ONCE * rounds * len(FAULTS)
    return [
        Figure(NAME, f"of {asked} questions while Redis is in trouble, not refused", wrong, "", 0),
        *figures,
    ]


@contextmanager
def stands_still(client: redis.Redis) -> Iterator[None]:
    server = client.info("server")["process_id"]
    os.kill(server, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server, signal.SIGCONT)


@contextmanager
def is_gone(client: redis.Redis) -> Iterator[None]:
    """Imitate a server that was killed: its connections end, and its socket is gone."""
    options: dict[str, Any] = dict(client.connection_pool.connection_kwargs)
    path = str(options["path"])
    os.rename(path, f"{path}.away")
    hang_up(client)
    try:
        yield
    finally:
        os.rename(f"{path}.away", path)


@contextmanager
def is_full(client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextmanager
def is_a_replica(client: redis.Redis) -> Iterator[None]:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def has_another_password(client: redis.Redis) -> Iterator[None]:
    # The connection of `client` itself stays authenticated.
    client.config_set("requirepass", "another")
    hang_up(client)
    try:
        yield
    finally:
        client.config_set("requirepass", "")


def hang_up(client: redis.Redis) -> None:
    for kind in ("normal", "pubsub"):
        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


FAULTS = {
    "stands still": stands_still,
    "is gone": is_gone,
    "is full": is_full,
    "is a replica": is_a_replica,
    "has another password": has_another_password,
}
