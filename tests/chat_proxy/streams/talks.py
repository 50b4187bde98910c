"""Backends whose answers do not end, and the stream of one that a test reads on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.chat_proxy.event_stream import Stream
from tests.chat_proxy.fake_backend import Peer
from tests.chat_proxy.service import Service


async def talk(peer: Peer) -> None:
    """A backend that begins and then has nothing more to say."""
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.gone()


async def talk_on(peer: Peer) -> None:
    await peer.head()
    with contextlib.suppress(OSError):
        while True:
            await peer.event("delta", text="Well, ")
            await asyncio.sleep(0.05)


async def say_nothing(peer: Peer) -> None:
    await peer.gone()


@contextlib.asynccontextmanager
async def begun(service: Service, bearer: str, **members: Any) -> AsyncIterator[Stream]:
    async with service.stream(bearer, **members) as stream:
        assert (await stream.event())[0] == "start"
        assert (await stream.event())[0] == "delta"
        yield stream


async def last_event(stream: Stream, within: float) -> tuple[str, Any]:
    async with asyncio.timeout(within):
        events = await stream.all()
    return events[-1]
