"""Asks a peer with a client that is closed at the end."""

import contextlib
from collections.abc import AsyncIterator

from edge.http_client.answer import Answer
from edge.http_client.client import HttpClient
from tests.edge.http_client.peer import Peer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%s\r\n"
"""An answer in chunks, with a place for its trailers."""


@contextlib.asynccontextmanager
async def running(**times: float) -> AsyncIterator[HttpClient]:
    client = HttpClient(**times)
    try:
        yield client
    finally:
        await client.close()


async def body_of(response: Answer) -> bytes:
    body = b""
    while chunk := await response.more():
        body += chunk
    return body


async def asked(client: HttpClient, peer: Peer, body: bytes = b"x") -> bytes:
    """Return the body of the answer."""
    return await body_of(await client.post(f"{peer.url}/chat", {}, body))
