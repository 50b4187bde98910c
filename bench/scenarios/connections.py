"""Many connections to one worker of the proxy: streams that run, and others that ask nothing or never end."""

import asyncio
import resource
import time
from collections.abc import Sequence
from statistics import median

from bench import load
from bench.figures import Figure
from bench.load import Connection, Generator, Plan, percentile
from bench.scenarios import streams
from bench.stack import ACCOUNTS, Stack

NAME = "connections"
STREAMS = 3_000
PACE = 1
IDLE = 5_000
WORKING = 16
PAUSE = 0.01
HALF_A_HEAD = b"POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    return [*_streams(stack, quick=quick), *_idle(stack, quick=quick)]


def _streams(stack: Stack, *, quick: bool) -> list[Figure]:
    count, seconds = (100, 3) if quick else (STREAMS, 15)
    requests = slow_streams(stack, count, seconds)
    seen: list[streams.Seen] = stack.load.call(listen, stack.proxy.port, requests, 6.0 / count)
    faults = sum(
        not (one.status == 200 and one.is_in_order and one.is_whole and one.events == seconds) for one in seen
    )
    return [
        Figure(NAME, f"of {count} streams open at once, not whole and in order", faults, "", 0),
        Figure(
            NAME, "first byte of these streams, p99", percentile([one.first_ms for one in seen], 0.99), "ms"
        ),
    ]


def slow_streams(stack: Stack, count: int, seconds: int) -> list[bytes]:
    """Requests for streams of PACE events a second."""
    readers = stack.readers(ACCOUNTS)
    text = f"events={seconds} pace={PACE}"
    return [readers[at % len(readers)].question(text, events=True) for at in range(count)]


def _idle(stack: Stack, *, quick: bool) -> list[Figure]:
    count, rounds, seconds = (200, 1, 1.0) if quick else (IDLE, 5, 3.0)
    requests = [reader.question("How often?") for reader in stack.readers(WORKING)]
    plan = Plan(stack.proxy.port, requests, WORKING, seconds, PAUSE)
    ratios = []
    with Generator() as others:
        for _ in range(rounds):
            alone = stack.load.call(load.run, plan).require(200)
            held = others.start(hold, stack.proxy.port, count, seconds + 3.0)
            time.sleep(2.0)
            beside = stack.load.call(load.run, plan).require(200)
            assert held.result() == count, "not all connections were held"
            ratios.append(percentile(beside.latencies, 0.99) / percentile(alone.latencies, 0.99))
    return [
        Figure(
            NAME,
            f"p99 of questions beside {count} idle and half-open connections, against alone",
            median(ratios),
            "×",
            2.0,
        )
    ]


async def listen(port: int, requests: Sequence[bytes], apart: float) -> list[streams.Seen]:
    _raise_limit()
    return await streams.listen(port, requests, apart, 1)


async def hold(port: int, count: int, seconds: float) -> int:
    """Open `count` connections, send half a head on every second one, and close them after `seconds`. Returns
    the number that was open once the last had been made."""
    _raise_limit()
    begun = time.monotonic()
    lines = []
    for at in range(count):
        lines.append(await Connection.open(port))
        if at % 2:
            lines[-1].say(HALF_A_HEAD)
    open_ = sum(line.is_open for line in lines)
    await asyncio.sleep(begun + seconds - time.monotonic())
    for line in lines:
        line.close()
    return open_


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
