"""The chat proxy as a process of its own, with a backend and a broker's keys that a test controls."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chat_proxy.configuration import configuration
from tests.chat_proxy.service import Service, neighbours
from tests.chat_proxy.waiting import until
from tests.ports import free_ports
from tests.processes import PATIENCE_S
from tests.trust import TRUST
from tests.valkey import Valkey


@dataclass
class Process:
    service: Service
    process: asyncio.subprocess.Process
    log: Path

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@contextlib.asynccontextmanager
async def started(
    valkey: Valkey, folder: Path, *, metrics_port: int = 0, **options: Any
) -> AsyncIterator[Process]:
    async with contextlib.AsyncExitStack() as stack:
        backend, publisher, store = await stack.enter_async_context(neighbours(valkey))
        [port] = free_ports(1)
        path, environ = configuration(
            folder,
            valkey.url,
            publisher.url,
            backend.url,
            proxy=f"port = {port}\nmetrics_port = {metrics_port}",
            **options,
        )
        log = folder / "log"
        environ = {**os.environ, **environ, "CHATGATE_CONFIG": str(path)}
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chat_proxy", env=environ, stdout=stderr, stderr=stderr
            )
        stack.push_async_callback(_ended, process)
        url = f"http://127.0.0.1:{port}"
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=TRUST)
        )
        service = Service(valkey, store, backend, publisher, url, client)
        await service.cut(all=1, kids="k1,k2")
        await until(lambda: _answers(client), PATIENCE_S)
        yield Process(service, process, log)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
