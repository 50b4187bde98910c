"""An OpenAI-style server on a loopback port, which answers as a test tells it to."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from rag_backend.llm import Model


@dataclass
class ModelServer:
    model: Model = None
    reply: object = None
    asked: list = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)


def chunk(text, **choice):
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": {"content": text}, **choice}]}).encode()
        + b"\n\n"
    )


DONE = b"data: [DONE]\n\n"


def streams(*parts, status=200, content_type="text/event-stream"):
    async def reply(request):
        response = web.StreamResponse(status=status, headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    return reply


def says(*texts):
    return streams(*map(chunk, texts), DONE)


@asynccontextmanager
async def running():
    server = ModelServer()

    async def complete(request):
        server.asked.append((request.path, request.headers.get("Authorization"), await request.json()))
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
    server.model = Model(f"http://127.0.0.1:{port}/v1", "small", "model-key-canary")
    yield server
    await runner.cleanup()
