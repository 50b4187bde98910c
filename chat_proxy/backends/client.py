"""Puts a question to a backend and reads its answer, bounded in time and bytes.

No reader sees anything of the backend's status, headers or cookies; any response that is not a plain answer
raises Failed, which says only that the backend failed, or that it is busy and for how long.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from chat_proxy.backends import reading, retrieval
from chat_proxy.backends.dialect import Asked, Passage, Reader, Request, Tell
from chat_proxy.backends.meter import Meter
from chat_proxy.backends.reading import Unreadable
from chat_proxy.backends.table import DIALECTS
from chat_proxy.config import Backend
from chat_proxy.failures import ANSWER_TOO_LARGE, BACKEND_TIMEOUT, BAD_BACKEND, TORN, Failed
from chat_proxy.media_types import JSON
from chat_proxy.parts import ENDS, Delta, Part
from chat_proxy.questions.messages import Question
from edge.http.traces import Traces
from edge.http_client.answer import Answer
from edge.http_client.client import ClientTimeout, HttpClient

Take = Callable[[Sequence[Part]], bool]

_log = structlog.get_logger()


class UpstreamAnswer:
    """One backend's answer under way. `reader` knows the tokens that it used so far."""

    __slots__ = ("_left", "_ready", "_response", "_take", "_tell", "_text_left", "_unread", "reader")

    def __init__(self, response: Answer, reader: Reader, limit: int, overhead: int, tell: Tell) -> None:
        """`limit` is the bytes of the answer's text, `overhead` the bytes that are sent for each of them."""
        self.reader = reader
        self._unread = b""
        self._tell = tell
        self._response = response
        self._left = limit * overhead
        self._text_left = limit
        self._take: Take = _nothing
        self._ready: list[Part] | Exception | None = None

    async def has_begun(self) -> bool:
        """Wait for the first bytes, which `more` returns then; False where there are none. Raises Failed."""
        try:
            self._unread = await self._received()
        finally:
            if not self._unread:
                self.close()
        return bool(self._unread)

    async def more(self) -> bytes:
        """The next bytes as soon as there are any; empty at the end. Raises Failed."""
        return self._within_limit(await self._received())

    def parts(self, chunk: bytes) -> list[Part]:
        """The parts that these bytes complete. Raises Failed."""
        parts = self.reader.feed(chunk) if chunk else self.reader.close()
        for part in parts:
            if isinstance(part, Delta):
                self._text_left -= len(part.text.encode())
        if self._text_left < 0:
            raise Failed(ANSWER_TOO_LARGE)
        return parts

    async def pass_on(self, take: Take) -> list[Part]:
        """Give parts to `take` as soon as their bytes are read, until it returns False for some or the answer
        ends; returns those. A wait that is cancelled may be begun again. Raises Failed."""
        if self._ready is None:
            self._take = take
            self._response.consume = self._consume
            try:
                chunk = await self._received()
            finally:
                self._response.consume = None
            if self._ready is None:
                return self.parts(self._within_limit(chunk))
            self._unread = chunk
        ready, self._ready = self._ready, None
        if isinstance(ready, Exception):
            raise ready
        return ready

    def close(self) -> None:
        """Close the connection, unless the whole answer was read and the connection is back in the pool."""
        self._response.close()

    async def _received(self) -> bytes:
        if self._unread:
            chunk, self._unread = self._unread, b""
            return chunk
        try:
            return await self._response.more()
        except OSError as error:
            self._tell(f"the connection broke: {type(error).__name__}")
            raise Failed(TORN) from None

    def _consume(self, data: bytes) -> bool:
        try:
            parts = self.parts(self._within_limit(data))
            if not parts or (not isinstance(parts[-1], ENDS) and self._take(parts)):
                return True
            self._ready = parts
        except Exception as error:
            # It is for the task that answers, not for the connection.
            self._ready = error
        return False

    def _within_limit(self, chunk: bytes) -> bytes:
        if len(chunk) > self._left:
            # The reader gets the part that still fits; the next call ends the answer.
            chunk = chunk[: self._left]
            if not chunk:
                raise Failed(ANSWER_TOO_LARGE)
        self._left -= len(chunk)
        return chunk


class BackendClient:
    """`now` is seconds since the epoch. One per process; `start` needs the running loop."""

    def __init__(self, now: Callable[[], float], traces: Traces) -> None:
        self._now = now
        self._traces = traces
        self._http: HttpClient | None = None

    async def start(self) -> None:
        self._http = HttpClient()

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def get(self, url: str, *, limit: int, within: float) -> bytes:
        """Fetch a small document from one of our services. Raises OSError or TimeoutError when it cannot."""
        assert self._http is not None  # noqa: S101  `start` was called
        async with asyncio.timeout(within):
            response = await self._http.get(url)
            try:
                if response.status != 200:
                    raise ConnectionError(f"status {response.status}")
                document = bytearray()
                while chunk := await response.more():
                    document += chunk
                    if len(document) > limit:
                        raise ConnectionError("a document larger than its limit")
                return bytes(document)
            finally:
                response.close()

    async def ask(self, backend: Backend, asked: Asked, meter: Meter, *, live: bool) -> UpstreamAnswer:
        """Send the question; the answer's body is still unread. `live` asks for events, and `meter` counts
        what the question takes. Raises Failed."""
        if retrieval.wanted(backend, asked.question):
            asked = asked._replace(passages=await self._retrieved(backend, asked.question))
        try:
            answer = await self._answer(backend, asked, meter, live=live)
            if asked.thread is None or await answer.has_begun():
                return answer
        except Failed as error:
            if asked.thread is None or error.failure is not TORN:
                raise
        # Its server has lost the thread: it broke the answer off before the first event, and did no work.
        _tell(backend, "it does not know the conversation's thread any more; a new one was begun")
        return await self._answer(backend, asked._replace(thread=None), meter, live=live)

    async def _answer(self, backend: Backend, asked: Asked, meter: Meter, *, live: bool) -> UpstreamAnswer:
        dialect = DIALECTS[backend.kind]
        tell = partial(_tell, backend)
        with self._traces.span("ask_backend", backend=backend.name):
            request = dialect.request(backend, asked, live=live, now=self._now())
            meter.sent = len(request.body)
            try:
                response = await self._post(backend.url, request, tell)
            except Failed:
                # No provider was reached, or none that has begun to answer.
                meter.sent = 0
                raise
        reader = None if _is_refused(response) else dialect.reader(_media_type(response), asked, tell)
        if reader is None:
            meter.sent = 0
            try:
                why = dialect.explanation(await _beginning(response, dialect.max_explanation))
            finally:
                response.close()
            tell(f"status {response.status} without an answer that can be read" + (why and f": {why}"))
            raise Failed(dialect.refusal(response.status, response.headers))
        meter.reader = reader
        return UpstreamAnswer(response, reader, backend.answer_bytes, dialect.overhead, tell)

    async def _retrieved(self, backend: Backend, question: Question) -> list[Passage]:
        """The passages that the operator's search finds for a question. Raises Failed."""
        assert backend.retrieve_url is not None  # noqa: S101  `wanted` said so

        def tell(reason: str) -> None:
            _tell(backend, f"retrieve_url: {reason}")

        with self._traces.span("retrieve", backend=backend.name):
            request = retrieval.request(backend, question, self._now())
            response = await self._post(backend.retrieve_url, request, tell)
        try:
            if _is_refused(response) or _media_type(response) != JSON:
                tell(f"status {response.status} without passages that can be read")
                raise Failed(reading.refusal(response.status, response.headers))
            body = await _beginning(response, retrieval.MAX_ANSWER + 1)
            if len(body) > retrieval.MAX_ANSWER:
                raise Unreadable(f"its answer has more than {retrieval.MAX_ANSWER} bytes")
            return retrieval.passages(body)
        except Unreadable as error:
            tell(error.reason)
            raise
        finally:
            response.close()

    async def _post(self, url: str, request: Request, tell: Tell) -> Answer:
        assert self._http is not None  # noqa: S101  `start` was called
        headers = dict(request.headers)
        self._traces.carry(headers)
        try:
            return await self._http.post(url, headers, request.body)
        except ClientTimeout:
            raise Failed(BACKEND_TIMEOUT) from None
        except (OSError, ValueError) as error:
            tell(type(error).__name__)
            raise Failed(BAD_BACKEND) from None


def _nothing(parts: Sequence[Part]) -> bool:
    return False


def _tell(backend: Backend, reason: str) -> None:
    # The reason is for the operator alone: the reader and the audit log learn only that the backend failed.
    _log.warning("backend_failed", backend=backend.name, reason=reason)


def _is_refused(response: Answer) -> bool:
    """Return True for a status or a content coding that is no answer's. A backend's 401 must not look like
    ours."""
    coding = response.headers.get("content-encoding", "identity").lower()
    return response.status != 200 or coding != "identity"


def _media_type(response: Answer) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _beginning(response: Answer, most: int) -> bytes:
    """At most `most` bytes of a body, or those that came before its connection broke."""
    body = bytearray()
    try:
        while len(body) < most and (chunk := await response.more()):
            body += chunk
    except OSError:
        pass
    return bytes(body[:most])
