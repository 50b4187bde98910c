"""The backend on a port of its own, where a client can hang up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rag_backend.app import create_app
from rag_backend.config import Config


@asynccontextmanager
async def served(config: Config, log: Any = None, **options: Any) -> AsyncIterator[str]:
    """Its address while it runs."""
    app = create_app(config, log, **options)
    serving = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(serving.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            serving.should_exit = True
            await running
