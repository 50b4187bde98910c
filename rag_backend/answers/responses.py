"""The two forms of an answer: events as they come, or one JSON object at the end.

A model may think for a minute, so both forms give signs of life while they wait. Both end when the proxy
hangs up, and the model's connection is closed with them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from rag_backend.answers import usage
from rag_backend.answers.model_failures import ModelBusy, ModelFailed
from rag_backend.answers.parts import Citation, Delta, Part, Used, Waiting
from rag_backend.problems import Problem

EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"
LIFE_SECONDS: Final = 10
"""The interval of signs of life. The proxy waits 30 s for the first byte, and proxies between often 60 s."""

_HEADERS: Final = {"Cache-Control": "no-store"}
_SIGN: Final = b": at work\n\n"
_NOBODY_LEFT: Final = 499
"""nginx's status for a client that has disconnected, who never receives it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`asked` is the size of the question's body in bytes, `begun` is monotonic seconds, `every` the seconds
    between two signs of life. The caller asks for one of the two forms, once."""

    parts: AsyncGenerator[Part, None]
    asked: int
    log: FilteringBoundLogger
    begun: float
    every: float = LIFE_SECONDS

    async def as_events(self) -> Response:
        """The answer as events. The head does not wait for the model, so a failing model becomes an event.

        Raises IndexUnavailable.
        """
        first = await anext(self.parts)
        return StreamingResponse(self._events(first), media_type=EVENT_STREAM, headers=_HEADERS)

    async def as_json(self, receive: Receive) -> Response:
        """The answer as one JSON object. After `every` seconds the head is sent: spaces are then the signs of
        life, and a failure is `{"error": ...}`.

        Raises IndexUnavailable, and Problem for a model that fails before the head is sent.
        """
        whole = asyncio.create_task(self._whole())
        leaving = asyncio.create_task(_hung_up(receive))
        answer: Response | None = None
        try:
            await asyncio.wait({whole, leaving}, timeout=self.every, return_when=asyncio.FIRST_COMPLETED)
            if whole.done():
                answer = Response(whole.result(), media_type=JSON, headers=_HEADERS)
            elif not leaving.done():
                answer = _Late(self._late(whole), whole)
        except ModelFailed as error:
            raise self._problem(error, started=False) from None
        finally:
            leaving.cancel()
            if answer is None:
                whole.cancel()
        return answer or Response(status_code=_NOBODY_LEFT)

    async def _events(self, first: Part) -> AsyncIterator[bytes]:
        seen = [first]
        yield _event("start", {}) + (_SIGN if isinstance(first, Waiting) else _event_of(first))
        try:
            async with aclosing(_with_silences(self.parts, self.every)) as parts:
                async for part in parts:
                    if part is not None:
                        seen.append(part)
                    if not isinstance(part, Used):
                        yield _SIGN if part is None else _event_of(part)
        except ModelFailed as error:
            yield _event("error", _members(self._problem(error, started=True)))
            return
        self._log_answer(seen)
        yield _event("done", {"usage": asdict(self._used(seen))})

    async def _whole(self) -> bytes:
        async with aclosing(self.parts) as parts:
            collected = [part async for part in parts]
        citations = [asdict(part) for part in collected if isinstance(part, Citation)]
        text = "".join(part.text for part in collected if isinstance(part, Delta)).strip()
        self._log_answer(collected)
        used = asdict(self._used(collected))
        return orjson.dumps({"response": text, "citations": citations, "usage": used})

    async def _late(self, whole: asyncio.Task[bytes]) -> AsyncIterator[bytes]:
        while not whole.done():
            yield b" "
            await asyncio.wait({whole}, timeout=self.every)
        try:
            yield whole.result()
        except ModelFailed as error:
            yield orjson.dumps({"error": _members(self._problem(error, started=True))})

    def _problem(self, error: ModelFailed, *, started: bool) -> Problem:
        self.log.warning("model_failed", reason=str(error), started=started, **error.provider)
        if isinstance(error, ModelBusy):
            detail = "The language model takes no more questions just now. Ask again later."
            return Problem(503, "model_busy", detail, {"Retry-After": str(error.retry_after)})
        return Problem(502, "model_failed", "The language model gave no whole answer. Ask again later.")

    def _used(self, parts: Sequence[Part]) -> Used:
        """The tokens that the model took; for a quotation, those that its bytes count for."""
        for part in parts:
            if isinstance(part, Used):
                return part
        written = sum(len(part.text.encode()) for part in parts if isinstance(part, Delta))
        return usage.counted(self.asked, written)

    def _log_answer(self, parts: Sequence[Part]) -> None:
        citations = sum(isinstance(part, Citation) for part in parts)
        milliseconds = round((time.monotonic() - self.begun) * 1000)
        self.log.info("answered", citations=citations, milliseconds=milliseconds)


class _Late(StreamingResponse):
    """A response to an answer that is still being made; the task that makes it is cancelled with the
    response."""

    def __init__(self, content: AsyncIterator[bytes], making: asyncio.Task[bytes]) -> None:
        super().__init__(content, media_type=JSON, headers=_HEADERS)
        self._making = making

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._making.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _with_silences(
    parts: AsyncGenerator[Part, None], every: float
) -> AsyncGenerator[Part | None, None]:
    """The parts, and None after each `every` seconds without one. Closes `parts` with itself."""
    coming: asyncio.Future[Part | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(parts, None))
            while not coming.done():
                await asyncio.wait({coming}, timeout=every)
                if not coming.done():
                    yield None
            part = coming.result()
            if part is None:
                return
            yield part
    finally:
        if coming is None or coming.done():
            await parts.aclose()
        else:
            # A running generator cannot be closed; cancelling the pending step ends it from within.
            coming.cancel()


def _event_of(part: Part) -> bytes:
    return _event("citation" if isinstance(part, Citation) else "delta", asdict(part))


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def _members(problem: Problem) -> dict[str, object]:
    members: dict[str, object] = {"code": problem.code, "message": problem.detail}
    if "Retry-After" in problem.headers:
        members["retry_after"] = int(problem.headers["Retry-After"])
    return members
