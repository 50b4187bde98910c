"""A sign-out at the broker, and the proxy's answers from then on."""

import asyncio
import time
from collections.abc import Sequence

from bench.figures import Figure
from bench.load import PATIENCE, Connection, percentile
from bench.stack import Reader, Stack

NAME = "revocation"
AT_ONCE = 10
APART = 0.01
"""Seconds between two sign-outs, while streams run."""


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    tries, streams = (20, 20) if quick else (500, 200)
    guests = stack.guests(tries)
    allowed = stack.load.call(ask_after_sign_out, stack.broker.port, stack.proxy.port, guests)
    readers = stack.readers(streams)
    lasted = stack.load.call(cut_streams, stack.broker.port, stack.proxy.port, readers)
    stack.renew()
    return [
        Figure(NAME, f"of {tries} next requests after a sign-out, answered", allowed, "", 0),
        Figure(
            NAME,
            f"running stream cut after its sign-out, {streams} streams, p99",
            percentile(lasted, 0.99),
            "ms",
            250,
        ),
        Figure(NAME, "the same, p50", percentile(lasted, 0.5), "ms"),
    ]


async def ask_after_sign_out(broker: int, proxy: int, readers: Sequence[Reader]) -> int:
    """The number of readers who were answered after their sign-out. Each has asked once before,
    successfully."""
    waiting = list(readers)
    allowed = 0

    async def work() -> None:
        nonlocal allowed
        to_broker, to_proxy = await Connection.open(broker), await Connection.open(proxy)
        while waiting:
            reader = waiting.pop()
            question = reader.question("How often?")
            first = await to_proxy.ask(question)
            assert first.status == 200, first
            signed_out = await to_broker.ask(reader.sign_out())
            assert signed_out.status == 200, signed_out
            after = await to_proxy.ask(question)
            assert after.status in (200, 401), after
            allowed += after.status == 200
        to_broker.close()
        to_proxy.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return allowed


async def cut_streams(broker: int, proxy: int, readers: Sequence[Reader]) -> list[float]:
    """Milliseconds from each sign-out's 2xx to the last byte of the stream that it ended."""
    cut_at: dict[int, float] = {}
    heard: dict[int, bytes] = {}
    all_begun = asyncio.Event()

    async def stream(at: int, reader: Reader) -> None:
        line = await Connection.open(proxy)

        def hear(piece: bytes, now: float) -> None:
            heard[at] = (heard.get(at, b"") + piece)[-400:]
            cut_at[at] = now
            if len(heard) == len(readers):
                all_begun.set()

        try:
            await line.ask(reader.question("events=400", events=True), hear)
        except ConnectionError:
            # The proxy cuts a stream by closing the connection before the last chunk.
            cut_at[at] = time.monotonic()
        line.close()

    running = [asyncio.create_task(stream(at, reader)) for at, reader in enumerate(readers)]
    await asyncio.wait_for(all_begun.wait(), PATIENCE)
    line = await Connection.open(broker)
    signed_out: list[float] = []
    for reader in readers:
        answer = await line.ask(reader.sign_out())
        assert answer.status == 200, answer
        signed_out.append(answer.ended_at)
        await asyncio.sleep(APART)
    await asyncio.gather(*running)
    assert all(b"event: error" in last for last in heard.values()), "a stream was not cut"
    return [(cut_at[at] - ended) * 1000 for at, ended in enumerate(signed_out)]
