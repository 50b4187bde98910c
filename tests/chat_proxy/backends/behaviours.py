"""Backends that fail: each hangs, breaks off or answers what no backend should."""

import asyncio

from tests.chat_proxy.fake_backend import Behaviour, Peer


def plain(
    status: str, *, content_type: str = "application/json", extra: str = "", body: bytes = b"{}"
) -> Behaviour:
    async def behave(peer: Peer) -> None:
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        await peer.send(head.encode() + body)

    return behave


def raw(data: bytes) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.send(data)
        peer.writer.close()

    return behave


async def hang(peer: Peer) -> None:
    await peer.gone()


async def hang_after_head(peer: Peer) -> None:
    await peer.head("application/json")
    await peer.gone()


async def hang_in_stream(peer: Peer) -> None:
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.gone()


async def trickle(peer: Peer) -> None:
    await peer.head()
    while True:
        await peer.event("delta", text=".")
        await asyncio.sleep(0.05)


async def abort(peer: Peer) -> None:
    await peer.head()
    await peer.event("delta", text="Well, ")
    peer.writer.transport.abort()
