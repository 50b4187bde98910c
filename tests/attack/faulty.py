"""`python faulty.py PORT FAULT [UPSTREAM]`: an HTTP server that refuses every request but `/healthz` as the
chat proxy would, except for one fault. With the port of a service it passes on all requests but those that it
fakes."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
ENDS = ("/api/auth/sign-out", "/api/auth/revoke", "/api/auth/delete-user", "/auth/revoke", "/oauth2/revoke")


Fault = Callable[[bytes, bytes], bytes | None]


def answer(
    status: int, members: Mapping[str, Any], *, kind: str = "application/problem+json", closes: bool = False
) -> bytes:
    body = json.dumps(members).encode()
    fields = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Date: {DATE}",
    ]
    fields += ["X-Request-Id: a", "DPoP-Nonce: a", *(["Connection: close"] if closes else [])]
    return "\r\n".join([*fields, "", ""]).encode() + body


def refusal(head: bytes, status: int = 401, code: str = "invalid_token", detail: str = "No.") -> bytes:
    """An error in the form of its path."""
    if b" /v1/" in head.partition(b"\r\n")[0]:
        error = {"message": detail, "type": "authentication_error", "param": None, "code": code}
        return answer(status, {"error": error}, kind="application/json")
    members = {"type": "about:blank", "title": "No", "status": status, "detail": detail, "code": code}
    return answer(status, members)


def fails(head: bytes, body: bytes) -> bytes:
    return refusal(head, 500, "internal_error") if b"[[" in body else refusal(head)


def answers_with_pages(_head: bytes, _body: bytes) -> bytes:
    return answer(401, {}, kind="text/html")


def invents_a_code(head: bytes, _body: bytes) -> bytes:
    return refusal(head, code="no_such_code")


def repeats(head: bytes, body: bytes) -> bytes:
    return refusal(head, detail=body.decode("latin-1"))


def is_silent(head: bytes, body: bytes) -> bytes | None:
    return refusal(head) if len(body) < 1_000 else None


def stalls(head: bytes, body: bytes) -> bytes:
    if len(body) > 1_000:
        time.sleep(0.15)
    return refusal(head)


def answers_twice(head: bytes, _body: bytes) -> bytes:
    return refusal(head) * (2 if head.count(b"\r\n") > 8 else 1)


def is_cut(head: bytes, _body: bytes) -> bytes:
    return refusal(head)[: -1 if head.count(b"\r\n") > 8 else None]


def lets_in(_head: bytes, _body: bytes) -> bytes:
    return answer(200, {}, kind="application/json")


def is_overrun(head: bytes, body: bytes) -> bytes:
    return lets_in(head, body)


def hoards(_head: bytes, _body: bytes) -> bytes:
    hoard.append(bytearray(b"a" * 500_000))
    return lets_in(_head, _body)


def ends_nothing(head: bytes, _body: bytes) -> bytes | None:
    path = head.split(b" ")[1].decode()
    if head.startswith(b"POST") and path.startswith(ENDS):
        return answer(200, {"success": True}, kind="application/json")
    return None


def deletes_nothing(head: bytes, _body: bytes) -> bytes | None:
    return b"HTTP/1.1 204 X\r\n\r\n" if head.startswith(b"DELETE /sessions/") else None


hoard: list[bytearray] = []
places = asyncio.Semaphore(80)


async def request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body, of which the end is where the head says, or nowhere."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return head, await reader.readuntil(b"0\r\n\r\n")
    length = fields.get(b"content-length", b"0").strip()
    return head, await reader.readexactly(int(length) if length.isdigit() else 0)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault, upstream: int | None
) -> None:
    pumping = None
    try:
        if upstream is not None:
            from_service, to_service = await asyncio.open_connection("127.0.0.1", upstream)
            pumping = asyncio.create_task(pump(from_service, writer))
        while True:
            head, body = await request(reader)
            told = fault(head, body)
            if told is None and upstream is not None:
                to_service.write(head + body)
            elif told is None:
                return
            else:
                is_alive = head.startswith(b"GET /healthz")
                writer.write(answer(200, {"status": "ok"}, kind="application/json") if is_alive else told)
                if (is_alive and b"Connection: close" in head) or not told.endswith(b"}"):
                    return
    finally:
        if pumping is not None:
            pumping.cancel()
            to_service.close()
        writer.close()


async def main(port: int, name: str, upstream: int | None) -> None:
    fault = globals()[name]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError)
        # The next one waits for as long as these like.
        async with places if name == "is_overrun" else contextlib.nullcontext():
            with contextlib.suppress(*gone):
                await serve(reader, writer, fault, upstream)

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=1 << 20, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    port, name, *upstream = sys.argv[1:]
    asyncio.run(main(int(port), name, int(upstream[0]) if upstream else None))
