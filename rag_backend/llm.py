"""A language model behind an OpenAI-style `/chat/completions`, streamed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson
from aiohttp.http_exceptions import LineTooLong

CONNECT_SECONDS: Final = 5
SILENCE_SECONDS: Final = 25
"""Between two reads; below the 30 s that the proxy waits for a first byte, so that ours is the answer."""
TOTAL_SECONDS: Final = 110
"""Below the proxy's 120 s, so that a reader is told why an answer ends."""
MAX_ANSWER: Final = 65_536
"""Characters; some 10,000 words, which no answer about a passage needs."""

Messages = Sequence[dict[str, str]]


class ModelFailed(Exception):
    """The model gave no whole answer; the message says why, without what was asked or answered."""


@dataclass(frozen=True, slots=True)
class Model:
    """Where the model is. `base_url` as in OpenAI's clients, ending before /chat/completions."""

    base_url: str
    name: str
    key: str = field(default="", repr=False)


def client() -> aiohttp.ClientSession:
    """A session that keeps no cookies, to be closed by its owner."""
    timeout = aiohttp.ClientTimeout(
        total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
    )
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


async def complete(
    http: aiohttp.ClientSession, model: Model, messages: Messages
) -> AsyncGenerator[str, None]:
    """The answer's text, piece by piece. Raises ModelFailed before the first piece or between two."""
    try:
        async with http.post(
            f"{model.base_url.rstrip('/')}/chat/completions",
            json={"model": model.name, "messages": list(messages), "stream": True, "temperature": 0.2},
            headers={"Authorization": f"Bearer {model.key}"} if model.key else {},
            # A redirect would carry the key and the question to where nobody configured.
            allow_redirects=False,
        ) as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                raise ModelFailed(f"status {response.status}, {response.content_type}")
            async with aclosing(_pieces(response.content)) as pieces:
                async for piece in pieces:
                    yield piece
    except TimeoutError:
        raise ModelFailed("it did not answer in time") from None
    except aiohttp.ClientError as error:
        raise ModelFailed(f"the connection failed: {type(error).__name__}") from None


async def _pieces(lines: aiohttp.StreamReader) -> AsyncGenerator[str, None]:
    length = 0
    finished = False
    try:
        async for line in lines:
            if not line.startswith(b"data:"):
                continue
            value = line[5:].strip()
            if value == b"[DONE]":
                return
            text, ends = _chunk(value)
            finished = finished or ends
            length += len(text)
            if length > MAX_ANSWER:
                raise ModelFailed("its answer is too long")
            if text:
                yield text
    except LineTooLong:
        raise ModelFailed("it sent what is no stream of chunks") from None
    if not finished:
        raise ModelFailed("its answer was cut off")


def _chunk(value: bytes) -> tuple[str, bool]:
    """The text of one chunk, and whether the model says that it is the last. Raises ModelFailed."""
    try:
        chunk: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        chunk = None
    match chunk:
        case {"choices": [{"delta": dict(delta), **choice}, *_]}:
            text = delta.get("content")
            return text if isinstance(text, str) else "", choice.get("finish_reason") is not None
        case {"choices": []}:
            return "", False
    raise ModelFailed("it sent what is no stream of chunks")
