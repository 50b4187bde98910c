"""Search `floods`: hundreds of connections of one address finish no request and read no answer, while other
readers are timed."""

import asyncio
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from attack.crowd import Done, crowd
from attack.report import Found
from attack.searches import Search
from attack.stack import Stack
from bench.http1 import BadAnswer, request
from bench.load import Connection, Generator, Tally, percentile

NAME: Final = "floods"
ADDRESS: Final = "127.0.0.2"
CALM_S: Final = 2.0
PAUSE: Final = 0.01
EVERY_MS: Final = 50.0
"""The time between two readers of one kind, who come whether the one before was answered or not."""
ANSWER_WITHIN: Final = 5.0
"""Seconds after which another reader's request counts as unanswered."""
TAIL_MS: Final = 100.0
"""The bound of the 99th percentile of the others' waits during the flood."""
UNHURRIED_MS: Final = 3_000.0
HALF: Final = 0.5
"""The share of a processor below which a service did not cause its readers' waits: it waited for a processor
that had other work, and UNHURRIED_MS is the bound."""
BUSY: Final = 3
"""The multiple of their wait without a flood that others may wait, if that is longer than the bound."""
TURNS: Final = 2
"""A flood that disturbed others is repeated once: a real fault appears again."""
GROWTH_MIB: Final = 64.0
"""The bound of a service's growth: the 48 MiB that clients may make it hold, and the allocator's share."""
GONE_WITHIN: Final = 5.0
"""Seconds until a service has closed the connections that their client has closed."""


@dataclass(frozen=True, slots=True)
class Others:
    """The answers to readers who take no part in the flood. `newcomers` used new connections."""

    tokens: Tally
    questions: Tally
    newcomers: Tally


async def ask_meanwhile(broker: int, proxy: int, token: bytes, question: bytes, seconds: float) -> Others:
    """Ask at both services for `seconds`. It runs in a process of its own: the flood's work would otherwise
    be part of its times."""
    ends_at = asyncio.get_running_loop().time() + seconds
    alive = request("GET", "/healthz", headers={"Connection": "close"})
    tokens, questions, *newcomers = await asyncio.gather(
        _repeat(broker, token, ends_at),
        _repeat(proxy, question, ends_at),
        _repeat(broker, alive, ends_at),
        _repeat(proxy, alive, ends_at),
    )
    both = Tally(latencies=[one for tally in newcomers for one in tally.latencies])
    for tally in newcomers:
        both.statuses += tally.statuses
    return Others(tokens, questions, both)


async def _repeat(port: int, raw: bytes, ends_at: float) -> Tally:
    """Send the same request again and again, on a new connection whenever an answer closed the last one."""
    loop, tally = asyncio.get_running_loop(), Tally()
    line: Connection | None = None
    while (began := loop.time()) < ends_at:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                if line is None or not line.is_open:
                    line = await Connection.open(port)
                answer = await line.ask(raw)
            tally.statuses[answer.status] += 1
            if answer.headers.get("connection") == "close":
                line.close()
                line = None
        except (TimeoutError, OSError, BadAnswer):
            # Status 0 counts a request without an answer in time.
            tally.statuses[0] += 1
            line = None
        waited = (loop.time() - began) * 1000
        while waited > 0:
            # Readers who come while this one waits have to wait too, for the rest of the time.
            tally.latencies.append(waited)
            waited -= EVERY_MS
        await asyncio.sleep(PAUSE)
    if line is not None:
        line.close()
    return tally


async def run(search: Search, stack: Stack, calm_s: float = CALM_S, turns: int = TURNS) -> Found:
    """`calm_s` is how long the others are timed before the flood and after it, in seconds."""
    search.seconds = max(1.0, search.seconds - 2 * calm_s)
    for _ in range(turns):
        with Generator() as others:
            found = await _turn(search, stack, others, calm_s)
        if not found.is_fault:
            break
    return found


async def _turn(search: Search, stack: Stack, flooding: Generator, calm_s: float) -> Found:
    found = Found(NAME)
    [reader, *readers] = await stack.readers(9)
    asked = (stack.broker.port, stack.proxy.port, reader.token_request(), reader.question("How often?"))

    async def others(seconds: float) -> Others:
        told: Others = await asyncio.wrap_future(stack.load.start(ask_meanwhile, *asked, seconds))
        return told

    calm = [await others(calm_s)]
    ports = {name: service.port for name, service in stack.services.items()}
    before = {name: (service.resident(), _open(stack, name)) for name, service in stack.services.items()}
    highest = {name: resident for name, (resident, _) in before.items()}
    address = ADDRESS if can_be_used(ADDRESS) else None
    coming = asyncio.wrap_future(flooding.start(crowd, search, ports, readers, address))
    spent = {name: -service.cpu() for name, service in stack.services.items()}
    asking = asyncio.create_task(others(search.seconds))
    while not asking.done():
        await asyncio.wait([asking], timeout=0.05)
        for name, service in stack.services.items():
            highest[name] = max(highest[name], service.resident())
    shares = {name: (spent[name] + one.cpu()) / search.seconds for name, one in stack.services.items()}
    flood: Done = await coming
    left = {name: await _left(stack, name, count) for name, (_, count) in before.items()}
    calm.append(await others(calm_s))
    found.attempts = flood.opened
    _compare(found, calm, asking.result(), shares)
    for name, (resident, _) in before.items():
        found.see(f"memory of {name}", (highest[name] - resident) / 2**20, "MiB more", GROWTH_MIB)
        found.see(f"connections left at {name}", left[name], "", 0)
    if found.is_fault:
        steps = {"seed": search.seed, "opened": flood.opened, "bytes": flood.sent, "kinds": flood.kinds}
        found.add(
            "others did not fare as well as they have to", search.first, json.dumps(steps, indent=1).encode()
        )
    return found


def _compare(found: Found, calm: Sequence[Others], busy: Others, shares: dict[str, float]) -> None:
    """Add the others' waits to `found`. `shares` has the share of a processor that each service took."""
    most = {"tokens": shares["broker"], "questions": shares["chat_proxy"], "newcomers": max(shares.values())}
    for name, share in most.items():
        meanwhile: Tally = getattr(busy, name)
        without = max(percentile(getattr(one, name).latencies, 0.99) for one in calm)
        bound = max(TAIL_MS if share >= HALF else UNHURRIED_MS, BUSY * without)
        found.see(f"{name} p99", percentile(meanwhile.latencies, 0.99), "ms", bound)
        refused = meanwhile.count - meanwhile.statuses[200]
        if refused:
            found.see(f"{name} not answered", refused, "", 0)


def can_be_used(address: str) -> bool:
    """Return True if this machine has the address: Linux has all of 127.0.0.0/8, other systems one of
    them."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _open(stack: Stack, service: str) -> int:
    """The number of the service's open connections to clients."""
    own = stack.services[service]
    found = own.process.net_connections(kind="inet")
    return sum(one.laddr.port == own.port and bool(one.raddr) for one in found)


async def _left(stack: Stack, service: str, before: int) -> int:
    """The number of connections more than `before`, after the time that the service has to close them."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + GONE_WITHIN
    while (left := _open(stack, service) - before) > 0 and loop.time() < ends_at:  # noqa: ASYNC110
        # A service sends no signal when it has closed a connection, so it is polled.
        await asyncio.sleep(0.05)
    return max(0, left)
