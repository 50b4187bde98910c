"""Answers as events, many at once through one worker: they must be complete, in order, early and cheap."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import load
from bench.backend import EVENTS_A_SECOND
from bench.figures import Figure
from bench.load import Connection, Plan, percentile
from bench.processes import Service
from bench.stack import ACCOUNTS, Stack

NAME = "streams"
AT_ONCE = 500
BEGUN = 100
STARTED_OVER = 1.0
"""Seconds over which the streams of a round begin, so that they do not begin in one burst."""
SETTLE = 0.5
_EVENT = re.compile(rb'"text": ?"(\d+) ')


@dataclass(slots=True)
class Seen:
    """One stream as its reader saw it. `first_ms` is the time from the request to the body's first byte."""

    status: int = 0
    first_ms: float = 0.0
    events: int = 0
    is_in_order: bool = True
    is_whole: bool = False


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    return [*_at_once(stack, quick=quick), *_first_bytes(stack, quick=quick)]


def _at_once(stack: Stack, *, quick: bool) -> list[Figure]:
    streams, rounds, seconds = (50, 1, 2) if quick else (AT_ONCE, 3, 6)
    readers = stack.readers(ACCOUNTS)
    events = int((STARTED_OVER + seconds) * EVENTS_A_SECOND)
    requests = [readers[at % len(readers)].question(f"events={events}", events=True) for at in range(streams)]
    # A few streams and many questions warm the proxy up: every code path has run, and caches are full.
    watch(stack, stack.proxy, requests[:10], 1)
    questions = [reader.question("How often?") for reader in readers]
    stack.load.call(load.run, Plan(stack.proxy.port, questions, 32, 1.0 if quick else 3.0))
    idle = stack.proxy.resident()
    costs: dict[str, list[float]] = {"floor": [], "proxy": []}
    faults, growth = 0, 0
    for turn in range(rounds):
        costs["floor"].append(watch(stack, stack.floor, requests, seconds).cost)
        round_ = watch(stack, stack.proxy, requests, seconds)
        costs["proxy"].append(round_.cost)
        faults += sum(not _is_good(seen, events) for seen in round_.seen)
        if turn == 0:
            growth = round_.resident - idle
    ratios = [proxy / floor for proxy, floor in zip(costs["proxy"], costs["floor"], strict=True)]
    return [
        Figure(
            NAME,
            f"of {streams * rounds} streams, {streams} at once, with events lost or reordered",
            faults,
            "",
            0,
        ),
        Figure(NAME, "memory of the proxy a stream, from warm idle", growth / streams / 1024, "KiB", 40),
        Figure(NAME, "CPU of the floor an event", median(costs["floor"]), "µs"),
        Figure(NAME, "CPU of the proxy an event", median(costs["proxy"]), "µs"),
        Figure(NAME, "the proxy's against the floor's, median of the rounds", median(ratios), "×", 1.6),
    ]


def _is_good(seen: Seen, events: int) -> bool:
    return seen.status == 200 and seen.is_in_order and seen.is_whole and seen.events == events


@dataclass(frozen=True, slots=True)
class _Round:
    """`cost` is microseconds of CPU an event while all streams ran; `resident` is the memory at that time."""

    seen: list[Seen]
    cost: float
    resident: int


def watch(stack: Stack, service: Service, requests: Sequence[bytes], seconds: int) -> _Round:
    watching = stack.load.start(listen, service.port, requests, STARTED_OVER / len(requests), 1)
    time.sleep(STARTED_OVER + SETTLE)
    begun, before = time.monotonic(), service.cpu()
    time.sleep(seconds - 2 * SETTLE)
    spent, lasted = service.cpu() - before, time.monotonic() - begun
    resident = service.resident()
    # The backend paces the events, so their number follows from the time.
    passed = len(requests) * EVENTS_A_SECOND * lasted
    return _Round(watching.result(), spent / passed * 1e6, resident)


def _first_bytes(stack: Stack, *, quick: bool) -> list[Figure]:
    streams, rounds, repeats = (20, 1, 2) if quick else (BEGUN, 3, 4)
    readers = stack.readers(ACCOUNTS)
    requests = [
        readers[at % len(readers)].question(f"events={EVENTS_A_SECOND}", events=True) for at in range(streams)
    ]
    times: dict[str, list[float]] = {"direct": [], "proxy": []}
    for _ in range(rounds):
        for name, service in (("direct", stack.backend), ("proxy", stack.proxy)):
            apart = STARTED_OVER / len(requests)
            found: list[Seen] = stack.load.call(listen, service.port, requests, apart, repeats)
            times[name] += [seen.first_ms for seen in found]
    direct, proxy = times["direct"], times["proxy"]
    added = percentile(proxy, 0.99) - median(direct)
    return [
        Figure(NAME, f"first byte from the backend itself, {streams} streams, p50", median(direct), "ms"),
        Figure(NAME, f"first byte through the proxy, {streams} streams, p50", median(proxy), "ms"),
        Figure(NAME, "first byte added: the proxy's p99 less the backend's p50", added, "ms", 20),
    ]


async def listen(port: int, requests: Sequence[bytes], apart: float, repeats: int) -> list[Seen]:
    """Send each request on a connection of its own, `repeats` times; they begin `apart` seconds apart."""
    found: list[Seen] = []
    begun = time.monotonic()

    async def one(at: int, raw: bytes) -> None:
        await asyncio.sleep(begun + at * apart - time.monotonic())
        line = await Connection.open(port)
        for _ in range(repeats):
            found.append(await _listen(line, raw))
        line.close()

    await asyncio.gather(*(one(at, raw) for at, raw in enumerate(requests)))
    return found


async def _listen(line: Connection, raw: bytes) -> Seen:
    seen = Seen()
    rest = b""
    asked_at = time.monotonic()

    def hear(piece: bytes, now: float) -> None:
        nonlocal rest
        if not seen.first_ms:
            seen.first_ms = (now - asked_at) * 1000
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            number = _EVENT.search(event)
            if number is not None:
                seen.is_in_order = seen.is_in_order and int(number[1]) == seen.events
                seen.events += 1
            elif event.startswith(b"event: done"):
                seen.is_whole = True

    seen.status = (await line.ask(raw, hear)).status
    return seen
