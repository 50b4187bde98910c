"""An OpenAI-style server on a loopback port, which answers as a test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from rag_backend.answers.model import Model
from tests.rag_backend.books import backend, proved

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    model: Model
    reply: Reply | None = None
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def is_asked(self) -> bool:
        return bool(self.asked)

    def model_with(self, **parameters: Any) -> Model:
        return replace(self.model, parameters=parameters)


def data(members: object) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def chunk(text: str, **choice: Any) -> bytes:
    return data({"choices": [{"index": 0, "delta": {"content": text}, **choice}]})


def ends(reason: str) -> bytes:
    return data({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


DONE = b"data: [DONE]\n\n"


def streams(*parts: bytes, status: int = 200, content_type: str = "text/event-stream") -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    return reply


def refuses(status: int, body: bytes = b"", content_type: str = "application/json", **headers: Any) -> Reply:
    async def reply(request: web.Request) -> web.Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, content_type=content_type, headers=fields)

    return reply


def says(*texts: str) -> Reply:
    return streams(*map(chunk, texts), DONE)


@asynccontextmanager
async def running() -> AsyncIterator[ModelServer]:
    async def complete(request: web.Request) -> web.StreamResponse:
        server.asked.append((request.path, request.headers.get("Authorization"), await request.json()))
        assert server.reply is not None
        try:
            return await server.reply(request)
        finally:
            server.left.set()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", complete)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server = ModelServer(Model(f"http://127.0.0.1:{port}/v1", "small", "model-key-canary"))
    yield server
    await runner.cleanup()


async def ask(
    server: ModelServer,
    index: Path,
    body: bytes,
    accept: str = "application/json",
    log: Any = None,
    **waits: Any,
) -> httpx.Response:
    async with backend(index, log, waits, model=server.model) as client:
        return await client.post("/chat", content=body, headers=proved(body, Accept=accept))
