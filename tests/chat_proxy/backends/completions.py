"""A scripted server of OpenAI's chat completions: what it streams, and what it was asked."""

import json

DONE = b"data: [DONE]\n\n"


def data(members):
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def chunk(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return data({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def says(*texts, finish="stop", usage=None, ends=DONE):
    """The bytes of a whole answer, as OpenAI sends it."""
    parts = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": one}) for one in texts)]
    parts.append(chunk({}, finish))
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        parts.append(data({"choices": [], "usage": counts}))
    return b"".join(parts) + ends


def streams(*raw):
    async def behave(peer):
        await peer.head()
        for one in raw:
            await peer.chunk(one)
        await peer.end()

    return behave


def whole(message, finish="stop", **more):
    async def behave(peer):
        await peer.document({"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more})

    return behave


def with_hook(found, behaviour):
    """A server that is the retrieval hook too: `found` is its document."""

    async def behave(peer):
        await (peer.document(found) if "/retrieve" in peer.received.line else behaviour(peer))

    return behave


def refuses(status, body=b"{}", extra=""):
    async def behave(peer):
        fields = f"Content-Type: application/json\r\n{extra}Content-Length: {len(body)}"
        head = f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n"
        await peer.send(head.encode() + body)

    return behave
