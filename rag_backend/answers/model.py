"""A language model behind an OpenAI-style `/chat/completions`, streamed."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson
from aiohttp.http_exceptions import LineTooLong

from rag_backend.answers import chunks, model_failures, usage
from rag_backend.answers.model_failures import MAX_ERROR_BODY, ModelFailed
from rag_backend.answers.parts import Used

CONNECT_SECONDS: Final = 5
SILENCE_SECONDS: Final = 60
"""The longest wait for a byte: twice the 30 s after which llama.cpp sends a comment. Some models are silent
while they think, and the backend sends the proxy signs of life meanwhile."""
TOTAL_SECONDS: Final = 110
"""Less than the proxy's 120 s, so that the backend can still tell the reader why an answer ends."""
MAX_ANSWER: Final = 65_536
"""Characters; some 10,000 words, which no answer about a passage needs."""
MAX_STREAM: Final = 16_777_216
"""Bytes of a whole answer as it is sent, with 200 bytes around each token and with the model's thoughts."""

Messages = Sequence[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Model:
    """The address of a model. `base_url` ends before /chat/completions, as in OpenAI's clients.

    `parameters` are sent as they are, and no others: newer models refuse a temperature, for example. A
    parameter that is None leaves out a member that would be sent otherwise.
    """

    base_url: str
    name: str
    key: str = field(default="", repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """The last item of an answer: the provider's reason for its end, and the tokens that it took."""

    reason: str
    used: Used


def client(silence: float = SILENCE_SECONDS) -> aiohttp.ClientSession:
    """A session that keeps no cookies and waits `silence` seconds for a byte; its owner closes it."""
    timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=silence)
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


async def complete(
    http: aiohttp.ClientSession, model: Model, messages: Messages
) -> AsyncGenerator[str | Ended, None]:
    """The answer's text, piece by piece, then Ended. Raises ModelFailed before the first piece or between
    two."""
    body = _request(model, messages)
    try:
        async with http.post(
            f"{model.base_url.rstrip('/')}/chat/completions",
            data=body,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {model.key}"} if model.key else {}),
            },
            # A redirect would send the key and the question to an address that the operator did not
            # configure.
            allow_redirects=False,
        ) as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                told = await _error_body(response.content)
                raise model_failures.refused(response.status, response.headers, told)
            async with aclosing(_pieces(response.content, len(body))) as pieces:
                async for piece in pieces:
                    yield piece
    except TimeoutError:
        raise ModelFailed("it did not answer in time") from None
    except aiohttp.ClientError as error:
        raise ModelFailed(f"the connection failed: {type(error).__name__}") from None


def _request(model: Model, messages: Messages) -> bytes:
    members: dict[str, Any] = {
        # vLLM, llama.cpp and OpenAI count tokens in a stream only when they are asked to.
        "stream_options": {"include_usage": True},
        **model.parameters,
        "model": model.name,
        "messages": list(messages),
        "stream": True,
    }
    return orjson.dumps({name: value for name, value in members.items() if value is not None})


async def _error_body(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while len(body) < MAX_ERROR_BODY and (more := await content.readany()):
        body += more
    return body


async def _pieces(lines: aiohttp.StreamReader, sent: int) -> AsyncGenerator[str | Ended, None]:
    """`sent` is the size of the request in bytes."""
    received = length = written = 0
    used: Used | None = None
    finish: str | None = None
    try:
        async for line in lines:
            received += len(line)
            if received > MAX_STREAM:
                raise ModelFailed("it sends without an end")
            if not line.startswith(b"data:"):
                continue
            value = line[5:].strip()
            if value == b"[DONE]":
                finish = finish or "stop"
                break
            chunk = chunks.read(value)
            finish = chunk.finish or finish
            # Some providers tell the count so far with every chunk.
            used = chunk.used or used
            written += len(chunk.text.encode("utf-8", "replace")) + chunk.thought
            length += len(chunk.text)
            if length > MAX_ANSWER:
                raise ModelFailed("its answer is too long")
            if chunk.text:
                yield chunk.text
    except LineTooLong:
        raise ModelFailed("it sent no stream of chunks") from None
    if finish is None:
        raise ModelFailed("its answer was cut off")
    yield Ended(finish, used or usage.counted(sent, written))
