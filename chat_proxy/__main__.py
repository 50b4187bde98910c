"""`python -m chat_proxy` reads the configuration and serves. Exit code 2: it could not start and said why."""

import asyncio
import gc
import os
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from chat_proxy.app import create_app
from chat_proxy.config import resolve
from chat_proxy.drain import Drain
from edge import logs
from edge.configuration import ConfigurationError, find, read
from edge.front_door import Door, protocol


class Server(uvicorn.Server):
    """Drains before it stops listening: uvicorn alone would close its port first, and a question that comes
    meanwhile would meet a refused connection instead of a 503 that says when to come again."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._loop = asyncio.get_running_loop()
        await super().startup()
        # What there is by now stays: the collector need not go through it again and again.
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called between any two instructions, so the loop is told and nothing else is done."""
        if self._loop is None or self._drain.has_begun:
            self.should_exit = self.force_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain_and_exit())

    async def _drain_and_exit(self) -> None:
        await self._drain.run()
        self.should_exit = True


def main() -> int:
    path = find(os.environ, Path.cwd())
    try:
        config = resolve(read(path, os.environ, frozenset({"backends"})))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure("chat_proxy")
    drain = Drain()
    server = Server(
        uvicorn.Config(
            create_app(config, drain=drain),
            host=config.host,
            port=config.port,
            loop="uvloop",
            http=protocol(Door(config.origins.__contains__)),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # The peer is judged by edge.client_address, from the configured hops only.
            proxy_headers=False,
            # What is left when the drain is over is not waited for again.
            timeout_graceful_shutdown=1,
        ),
        drain,
    )
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
