"""A scripted server of OpenAI's chat completions: what it streams, and what it was asked."""

import json
from collections.abc import Mapping
from typing import Any

from tests.chat_proxy.fake_backend import Behaviour, Peer

DONE = b"data: [DONE]\n\n"


def data(members: object) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return data({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def says(
    *texts: str, finish: str = "stop", usage: tuple[int, int] | None = None, ends: bytes = DONE
) -> bytes:
    """The bytes of a whole answer, as OpenAI sends it."""
    parts = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": one}) for one in texts)]
    parts.append(chunk({}, finish))
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        parts.append(data({"choices": [], "usage": counts}))
    return b"".join(parts) + ends


def streams(*raw: bytes) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.head()
        for one in raw:
            await peer.chunk(one)
        await peer.end()

    return behave


def whole(message: Any, finish: str = "stop", **more: Any) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.document({"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more})

    return behave


def with_hook(found: Any, behaviour: Behaviour | None) -> Behaviour:
    """A server that is the retrieval hook too: `found` is its document."""

    async def behave(peer: Peer) -> None:
        if "/retrieve" in peer.received.line:
            await peer.document(found)
        else:
            assert behaviour is not None
            await behaviour(peer)

    return behave


def refuses(status: str, body: bytes = b"{}", extra: str = "") -> Behaviour:
    async def behave(peer: Peer) -> None:
        fields = f"Content-Type: application/json\r\n{extra}Content-Length: {len(body)}"
        head = f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n"
        await peer.send(head.encode() + body)

    return behave
