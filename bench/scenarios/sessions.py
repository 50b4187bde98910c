"""A million sessions in Redis compared with a thousand: the time to a token and to an answer, and their
memory."""

import secrets
from contextlib import ExitStack
from statistics import median

import redis

from bench import load
from bench.figures import Figure
from bench.load import Plan, percentile
from bench.stack import Stack, stack
from broker.accounts.accounts import new_id
from broker.sessions.session import LIFE_MS, MAX_SESSIONS, new_sid
from broker.storage.redis import CREATE, creation_keys
from tokens import liveness

NAME = "sessions"
FEW = 1_000
MANY = 1_000_000
BATCH = 1_000
CONNECTIONS = 8
PAUSE = 0.01
"""Seconds between two requests of one connection, so that the time does not include a queue."""
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


def run(few: Stack, *, quick: bool) -> list[Figure]:
    many, pairs, seconds = (10_000, 1, 1.0) if quick else (MANY, 5, 3.0)
    fill(few.redis_url, FEW)
    with ExitStack() as running:
        crowded = running.enter_context(stack())
        each = fill(crowded.redis_url, many)
        ratios: dict[str, list[float]] = {"token": [], "admission": []}
        for _ in range(pairs):
            found = [_times(one, seconds) for one in (few, crowded)]
            for name in ratios:
                ratios[name].append(found[1][name] / found[0][name])
    return [
        Figure(NAME, f"Redis memory of a session, {many:,} of them", each, "bytes", 1024),
        Figure(NAME, "token p99 against a thousand sessions, median", median(ratios["token"]), "×", 1.2),
        Figure(
            NAME,
            "question p99 against a thousand, median",
            median(ratios["admission"]),
            "×",
            1.2,
        ),
    ]


def fill(url: str, count: int) -> float:
    """Make `count` sessions of as many users with the broker's own script. Returns the bytes that each
    takes."""
    with redis.Redis.from_url(url) as client:
        before = client.info("memory")["used_memory"]
        client.script_load(CREATE.source)
        for start in range(0, count, BATCH):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(min(BATCH, count - start)):
                    _add(pipe)
                pipe.execute()
        per_session: float = (client.info("memory")["used_memory"] - before) / count
        return per_session


def _add(pipe: "redis.client.Pipeline") -> None:
    sub, sid, hashed = new_id(), new_sid(), secrets.token_hex(32)
    record = {
        "token_hash": hashed,
        "client": "docs",
        "tier": "reader",
        "proved_by": "password",
        "remember": "1",
        "ip_address": "203.0.113.7",
        "user_agent": AGENT,
    }
    keys = creation_keys(sub, sid)
    fields = [part for pair in record.items() for part in pair]
    args = (sid, "0 0", record["client"], MAX_SESSIONS, LIFE_MS, liveness.REVOKED_CHANNEL, sub, "")
    pipe.set(liveness.session_pointer(hashed), f"{sub}:{sid}", px=LIFE_MS)
    pipe.evalsha(CREATE.sha, len(keys), *keys, *args, *fields)


def _times(one: Stack, seconds: float) -> dict[str, float]:
    """p99 in milliseconds."""
    readers = one.readers(CONNECTIONS)
    asked = {
        "token": (one.broker.port, [reader.token_request() for reader in readers]),
        "admission": (one.proxy.port, [reader.question("How often?") for reader in readers]),
    }
    found = {}
    for name, (port, requests) in asked.items():
        plan = Plan(port, requests, CONNECTIONS, seconds, PAUSE)
        found[name] = percentile(one.load.call(load.run, plan).require(200).latencies, 0.99)
    return found
