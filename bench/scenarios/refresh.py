"""Refreshes: each sends a refresh token with a DPoP proof, and gets the next one and an access token."""

import asyncio
import time
from statistics import median

import psutil

from bench.figures import Figure
from bench.load import Connection, Tally, percentile
from bench.oauth import Client
from bench.stack import PAGE, REDIRECT_URI, Stack

NAME = "refresh"
CONNECTIONS = 16


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (4.0, 5)
    rates: list[float] = []
    latencies: list[float] = []
    costs: list[float] = []
    for _ in range(rounds):
        tally, cpu = stack.load.call(load, stack.broker.port, stack.broker.process.pid, seconds)
        tally.require(200)
        rates.append(tally.count / tally.seconds)
        latencies += tally.latencies
        costs.append(cpu / tally.count * 1e6)
    return [
        Figure(NAME, "refreshes with DPoP, median of the rounds", median(rates), "/s", 700, "at least"),
        Figure(NAME, "time to the next tokens, p99", percentile(latencies, 0.99), "ms"),
        Figure(NAME, "CPU of the broker a refresh", median(costs), "µs"),
    ]


async def load(port: int, broker: int, seconds: float) -> tuple[Tally, float]:
    """The answers of `seconds`, and the processor seconds that the process `broker` took for them.

    A client can sign a proof only once it has the token to send, so a part of each round trip is the load's
    own time.
    """
    issuer = f"http://127.0.0.1:{port}"
    lines = [await Connection.open(port) for _ in range(CONNECTIONS)]
    guests = [Client(line, issuer, PAGE, "docs", REDIRECT_URI) for line in lines]
    await asyncio.gather(*(guest.sign_in_as_guest() for guest in guests))
    tally, before, begun = Tally(), cpu_of(broker), time.monotonic()

    async def repeat(guest: Client) -> None:
        while time.monotonic() - begun < seconds:
            tally.add(await guest.refresh())

    await asyncio.gather(*(repeat(guest) for guest in guests))
    tally.seconds = time.monotonic() - begun
    spent = cpu_of(broker) - before
    for line in lines:
        line.close()
    return tally, spent


def cpu_of(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
