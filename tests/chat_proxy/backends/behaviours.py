"""Backends that fail: each hangs, breaks off or answers what no backend should."""

import asyncio


def plain(status, *, content_type="application/json", extra="", body=b"{}"):
    async def behave(peer):
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        await peer.send(head.encode() + body)

    return behave


def raw(data):
    async def behave(peer):
        await peer.send(data)
        peer.writer.close()

    return behave


async def hang(peer):
    await peer.gone()


async def hang_after_head(peer):
    await peer.head("application/json")
    await peer.gone()


async def hang_in_stream(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    await peer.gone()


async def trickle(peer):
    await peer.head()
    while True:
        await peer.event("delta", text=".")
        await asyncio.sleep(0.05)


async def abort(peer):
    await peer.head()
    await peer.event("delta", text="Well, ")
    peer.writer.transport.abort()
