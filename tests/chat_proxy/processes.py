"""The chat proxy as a process of its own, with a backend and a broker's keys that a test controls."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from edge.redis.client import Store
from tests.chat_proxy.configuration import configuration
from tests.chat_proxy.fake_backend import Backend
from tests.chat_proxy.service import Service
from tests.chat_proxy.tokens import Publisher
from tests.chat_proxy.waiting import until
from tests.ports import free_ports
from tests.processes import PATIENCE_S
from tests.trust import TRUST
from tests.valkey import PATIENT_S, Valkey


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
    backend, publisher = Backend(), Publisher()
    await backend.start()
    await publisher.start()
    store = Store(valkey.url, time.monotonic, deadline=PATIENT_S)
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
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=TRUST) as client:
            service = Service(valkey, store, backend, publisher, url, client)
            await service.cut(all=1, kids="k1,k2")
            await until(lambda: _answers(client), PATIENCE_S)
            yield Process(service, process, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await store.close()
        await publisher.stop()
        await backend.stop()


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
