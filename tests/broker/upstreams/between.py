"""Stands between us and a Better Auth server, and misbehaves as servers and the proxies before them do."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx


class Between:
    """Passes requests on to `target`, until `behaviour` is one of the names of `ANSWERS`. `meanwhile` is
    awaited once, between the answer there and its arrival here."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.behaviour: str | None = None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.asked = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._http = httpx.AsyncClient(base_url=self.target, verify=False)

    def move(self, target: str) -> None:
        """Pass requests on to another server from now on."""
        self._http.base_url = target

    async def stop(self) -> None:
        self._server.close()
        await self._http.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked += 1
            if self.behaviour is None:
                writer.write(await self._passed_on(head))
            elif self.behaviour == "slow":
                await reader.read()
            else:
                writer.write(ANSWERS[self.behaviour])
            await writer.drain()
        writer.close()

    async def _passed_on(self, head: str) -> bytes:
        line, *fields = head.strip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in fields)
        headers = {name: headers[name] for name in ("Authorization", "Cookie") if name in headers}
        answer = await self._http.get(line.split(" ")[1], headers=headers)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        more = "".join(f"Set-Cookie: {one}\r\n" for one in answer.headers.get_list("set-cookie"))
        return answer_of(answer.content, f"{answer.status_code} OK", answer.headers["content-type"], more)


def answer_of(body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


ANSWERS = {
    "html": answer_of(b"<!doctype html><p>A page for people", kind="text/html"),
    "broken": answer_of(b"", "500 Internal Server Error"),
    "limited": answer_of(b'{"message":"Too many requests"}', "429 Too Many Requests"),
    "elsewhere": answer_of(b"null", "302 Found", more="Location: /login\r\n"),
    "another's session": answer_of(
        b'{"session":{"id":"a","token":"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB","userId":"b",'
        b'"createdAt":"2026-01-01T00:00:00.000Z","expiresAt":"2046-01-01T00:00:00.000Z"},'
        b'"user":{"id":"b","emailVerified":true}}'
    ),
    "another schema": answer_of(b'{"session":{"id":"a"},"user":{"id":"b"}}'),
    "no JSON": answer_of(b"{"),
    "too much": answer_of(b'"' + b"x" * 70_000 + b'"'),
    "torn": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    "no answer": b"",
}
