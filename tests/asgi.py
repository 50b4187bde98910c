"""An application of ours, started and stopped as a server would, and spoken to over HTTP without a socket."""

import asyncio
from contextlib import asynccontextmanager

import httpx
from starlette.types import Message


@asynccontextmanager
async def running(app):
    """Runs the application's lifespan around the block."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    serving = asyncio.create_task(app({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    try:
        yield app
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
        await serving


def client_of(app, base_url, address="203.0.113.7", **options):
    """A client that keeps cookies; `address` is the peer that the application sees."""
    transport = httpx.ASGITransport(app, client=(address, 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base_url, **options)
