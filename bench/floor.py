"""The floor for the proxy: the cost of a chat request and of a stream without any check in Python.

`python -m bench.floor PORT BACKEND_URL REDIS_URL` is a bare ASGI application on uvicorn with the proxy's own
settings. A request to CALLED takes two EVALSHA by redis-py, which are the reader's own two scripts with
arguments of the same number and length, and one aiohttp request to the same backend.

Two other floors make all commands of the proxy's two flights, with the site's scripts and the cuts: a request
to PIPELINED by redis-py with one pipeline for each flight, and a request to any other path through
edge.redis.client, the cheapest way that was found (docs/decisions/0001): one pipeline for each event-loop
turn.

A request to BARE asks nothing of Redis: the cheapest way to pass a question on in this language.

The floor does not include the other half of the proxy's work: CORS, request id, the token's verification,
JSON in and out, the internal JWT, cut-off and deadlines, the log line. Events are passed on as bytes, unread.
"""

import itertools
import secrets
import sys
import time
from typing import Any, Final, cast

import aiohttp
import uvicorn
from redis.asyncio import Redis

from chat_proxy import redis_keys
from chat_proxy.config import Limits
from edge.redis.client import Command, Store, command
from tokens import liveness, readers

READERS: Final = 32
LIMITS: Final = Limits("10.000", 1000, 100, 1_000_000)
SITE_LIMITS: Final = Limits("0", 1, 100_000, 10_000_000)
SITE: Final = "floor"
LEASE_MS: Final = 10_000
CALLED: Final = "/called"
PIPELINED: Final = "/pipelined"
BARE: Final = "/bare"
_QUESTION: Final = b'{"role":"user","content":"How often does the station record a value?"}'
_ANSWER: Final = (
    b'{"role":"assistant","content":"The station records a value every ten minutes, day and night.",'
    b'"message_id":"abcdefghijklmnop","citations":[{"title":"Recording","url":"/recording",'
    b'"quote":"every ten minutes"}]}'
)


class Floor:
    def __init__(self, backend_url: str, redis_url: str) -> None:
        self._backend = f"{backend_url}/chat"
        self._redis_url = redis_url
        readers = [(f"{number:032d}", f"{number:022d}") for number in range(READERS)]
        self._turns = itertools.cycle(readers)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "GET":
            await _answer(send, b"{}")
        elif any(name == b"accept" and value == b"text/event-stream" for name, value in scope["headers"]):
            await self._stream(receive, send)
        elif scope["path"] == BARE:
            await _answer(send, await self._asked(await _body(receive)))
        else:
            ways = {CALLED: self._called, PIPELINED: self._pipelined}
            await self._chat(receive, send, ways.get(scope["path"], self._store.run))

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._store = Store(self._redis_url, time.monotonic)
        self._redis = Redis.from_url(self._redis_url)
        for script in (redis_keys.ADMIT, redis_keys.RELEASE):
            await self._redis.script_load(script.source)
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("User-Agent",),
        )
        for sub, sid in itertools.islice(self._turns, READERS):
            record = (
                "client",
                SITE,
                "tier",
                "reader",
                "expires_at",
                1 << 52,
                "created_at",
                1,
                "proved_by",
                "password",
            )
            await self._store.run(command("HSET", liveness.session(sub, sid), *record))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._client.close()
        await self._store.close()
        await self._redis.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _called(self, first: Command, *_: Command) -> Any:
        return await self._redis.execute_command(*first.words)

    async def _pipelined(self, *commands: Command) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for one in commands:
            pipeline.execute_command(*one.words)
        return await pipeline.execute()

    async def _chat(self, receive: Any, send: Any, fly: Any) -> None:
        body = await _body(receive)
        sub, sid = next(self._turns)
        lease, session_id = secrets.token_hex(8), secrets.token_urlsafe(12)
        reader, site = readers.reader(sub, SITE), redis_keys.site(SITE)
        conversation = readers.conversation(reader, session_id)
        names_of_site = [redis_keys.state(site), redis_keys.leases(site), redis_keys.held(site)]
        await fly(
            redis_keys.ADMIT.call(
                [
                    liveness.session(sub, sid),
                    *[liveness.revoked_token(sub, sid)] * 2,
                    liveness.proof(sub, ""),
                    readers.conversations(reader),
                    conversation,
                    redis_keys.state(readers.reader(sub, SITE), "reader"),
                    redis_keys.leases(reader),
                    redis_keys.held(reader),
                    *names_of_site,
                ],
                *("1", SITE, "reader", 0, session_id, 10, lease, LEASE_MS, 0, 0),
                *(LIMITS.interval_ms, LIMITS.burst, LIMITS.concurrent, LIMITS.daily, 0, 0),
                *(SITE_LIMITS.interval_ms, SITE_LIMITS.burst),
                *(SITE_LIMITS.concurrent, SITE_LIMITS.daily, 0, 0),
            ),
            command("HMGET", liveness.CUT, "all", "kids", f"client:{SITE}"),
        )
        answer = await self._asked(body)
        await fly(
            redis_keys.RELEASE.call(
                [
                    redis_keys.leases(reader),
                    readers.conversations(reader),
                    conversation,
                    readers.gone(reader, session_id),
                    *(redis_keys.usage(SITE), redis_keys.spenders(SITE)),
                    *(*names_of_site, redis_keys.settled(site)),
                ],
                *(lease, session_id, 50, 262_144, 0),
                *(20, 30, 0, "main", "reader", sub, 35, 10_000, "0", _QUESTION, _ANSWER),
            ),
        )
        await _answer(send, answer)

    async def _asked(self, body: bytes) -> bytes:
        async with self._client.post(
            self._backend, data=body, headers=_JSON, allow_redirects=False
        ) as response:
            return await response.read()

    async def _stream(self, receive: Any, send: Any) -> None:
        body = await _body(receive)
        async with self._client.post(
            self._backend, data=body, headers=_EVENTS, allow_redirects=False
        ) as response:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while chunk := await response.content.readany():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


_JSON: Final = {"Content-Type": "application/json"}
_EVENTS: Final = {**_JSON, "Accept": "text/event-stream"}


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += cast("bytes", message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _answer(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    port, backend_url, redis_url = sys.argv[1:]
    uvicorn.run(
        Floor(backend_url, redis_url),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
