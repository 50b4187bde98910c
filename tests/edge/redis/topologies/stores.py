"""Stores over servers of the tests, and a clock for one that waits for long."""

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from edge.redis.client import Store
from tests.topologies.together import Together


@contextlib.asynccontextmanager
async def store_of(together: Together, url: str | None = None, **options: Any) -> AsyncIterator[Store]:
    """A store over the servers of `together`, or of `url`, closed at the end of the block."""
    store = Store(url or together.url, time.monotonic, **options)
    try:
        yield store
    finally:
        await store.close()


def in_haste() -> float:
    """A clock ten times as fast."""
    return time.monotonic() * 10
