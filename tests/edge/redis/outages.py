"""A Redis that is away: the store refuses at once, and serves again when it is back."""

import asyncio

import pytest

from edge.redis.client import Script, Store, StoreUnavailable, command
from tests.stalls import promptly

ECHO = Script("return {KEYS[1], ARGV[1]}")
COUNT = Script("return redis.call('INCR', KEYS[1])")
KEYS = [f"k{number}" for number in range(30)]


async def refused_at_once(store: Store, key: str) -> None:
    for _ in range(4):
        async with promptly(0.3):
            with pytest.raises(StoreUnavailable):
                await store.run(command("SET", key, "1"))


async def back(store: Store, key: str, within: float = 3.0) -> None:
    async with asyncio.timeout(within):
        while await _refuses(store, key):  # noqa: ASYNC110 - a server's return is seen by asking it
            await asyncio.sleep(0.02)


async def _refuses(store: Store, key: str) -> bool:
    try:
        await asyncio.gather(*(store.run(command("SET", key, "1")) for _ in range(2)))
    except StoreUnavailable:
        return True
    return False
