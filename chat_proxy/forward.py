"""Puts a question to a backend and reads its answer, bounded in time and bytes.

Nothing of the backend's status, headers or cookies reaches a reader; whatever is not a plain answer is a
Failed, which says no more than that the backend failed.
"""

from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

from chat_proxy.backends import native
from chat_proxy.backends.native import Document, Events, Part
from chat_proxy.config import Backend
from chat_proxy.failures import ANSWER_TOO_LARGE, BACKEND_TIMEOUT, BAD_BACKEND, TORN, Failed
from chat_proxy.proof import internal_token
from edge.traces import Traces

CONNECT_WITHIN: Final = 5.0
IDLE_FOR: Final = 4.0
"""Seconds for which an idle connection is kept: less than the 5 after which uvicorn, say, closes it. A
question is never sent twice, so one that meets a closing connection is lost."""
_log = structlog.get_logger()
READ_BUFFER: Final = 16_384
"""Bytes read ahead of the reader, as many again while they are handed over."""
# Names in the spelling they are sent with; the client adds Host and Content-Length.
_HEADERS: Final = {"Content-Type": native.JSON, "Accept-Encoding": "identity"}


class Answer:
    """One backend's answer under way."""

    __slots__ = ("_left", "_reader", "_response")

    def __init__(self, response: aiohttp.ClientResponse, reader: Events | Document, limit: int) -> None:
        self._response = response
        self._reader = reader
        self._left = limit

    async def more(self) -> bytes:
        """The next bytes as soon as there are any; empty at the end. Raises Failed."""
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError):
            raise Failed(TORN) from None
        if len(chunk) > self._left:
            # What still fits is the reader's; the next call ends the answer.
            chunk = chunk[: self._left]
            if not chunk:
                raise Failed(ANSWER_TOO_LARGE)
        self._left -= len(chunk)
        return chunk

    def parts(self, chunk: bytes) -> list[Part]:
        """What these bytes complete. Raises Failed."""
        return self._reader.feed(chunk) if chunk else self._reader.close()

    def close(self) -> None:
        """Hang up, unless all of it was read and the connection is already back in the pool."""
        self._response.close()


class Forward:
    """`now` is seconds since the epoch. One per process; `start` needs the running loop."""

    def __init__(self, now: Callable[[], float], traces: Traces) -> None:
        self._now = now
        self._traces = traces
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._client = aiohttp.ClientSession(
            # How many may be open is the sites' caps to say, before it comes to this.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_FOR),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The answer's own deadlines are set by whoever runs it.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_BUFFER,
            skip_auto_headers=("User-Agent",),
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def get(self, url: str, *, limit: int, within: float) -> bytes:
        """A small document of a service of ours. Raises OSError or TimeoutError for anything else."""
        assert self._client is not None  # noqa: S101  `start` was called
        deadline = aiohttp.ClientTimeout(total=within)
        try:
            async with self._client.get(url, allow_redirects=False, timeout=deadline) as response:
                if response.status != 200:
                    raise ConnectionError(f"status {response.status}")
                document = bytearray()
                while chunk := await response.content.readany():
                    document += chunk
                    if len(document) > limit:
                        raise ConnectionError("a document larger than its limit")
                return bytes(document)
        except aiohttp.ClientError as error:
            raise ConnectionError(type(error).__name__) from None

    async def ask(self, backend: Backend, body: bytes, *, live: bool) -> Answer:
        """The answer, from which nothing is read yet. `live`: events are wanted. Raises Failed."""
        assert self._client is not None  # noqa: S101  `start` was called
        headers = {
            **_HEADERS,
            "Accept": native.EVENT_STREAM if live else native.JSON,
            "Authorization": f"Bearer {internal_token(backend, body, self._now())}",
        }
        try:
            with self._traces.span("ask_backend", backend=backend.name):
                self._traces.carry(headers)
                response = await self._client.post(
                    backend.url, data=body, headers=headers, allow_redirects=False
                )
        except aiohttp.ServerTimeoutError:
            raise Failed(BACKEND_TIMEOUT) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _tell(backend, type(error).__name__)
            raise Failed(BAD_BACKEND) from None
        reader = _reader(response)
        if reader is None:
            response.close()
            _tell(backend, f"status {response.status} without an answer that can be read")
            raise Failed(BAD_BACKEND)
        return Answer(response, reader, backend.answer_bytes)


def _tell(backend: Backend, reason: str) -> None:
    # For the operator alone: a reader is told that the backend failed, and an audit line no more.
    _log.warning("backend_failed", backend=backend.name, reason=reason)


def _reader(response: aiohttp.ClientResponse) -> Events | Document | None:
    """How this answer is read; None for what is no answer, such as its 401, which must not look like ours."""
    headers = response.headers
    if response.status != 200 or headers.get("Content-Encoding", "identity").lower() != "identity":
        return None
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    kind = native.READERS.get(media_type)
    return None if kind is None else kind()
