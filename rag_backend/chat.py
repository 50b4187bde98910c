"""`POST /chat`: judge the token, read the question, answer as JSON or as events."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from structlog.typing import FilteringBoundLogger

from rag_backend import answering, internal_token, questions
from rag_backend.answering import Citation, Delta, Part, Sources
from rag_backend.index import IndexUnavailable
from rag_backend.internal_token import InvalidToken
from rag_backend.llm import ModelFailed
from rag_backend.problems import Problem

MAX_BODY: Final = 1_048_576
"""Bytes: a history of 256 KiB may take four times that as JSON escapes."""
BODY_SECONDS: Final = 10
EVENT_STREAM: Final = "text/event-stream"
MODEL_FAILED: Final = ("model_failed", "The language model gave no whole answer. Ask again later.")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the endpoint needs; `now` gives seconds since the epoch."""

    secret: bytes
    audience: str
    sources: Sources
    log: FilteringBoundLogger
    now: Callable[[], float]


async def answer_question(request: Request, desk: Desk) -> Response:
    """Raises Problem."""
    question = questions.parse(await _proved_body(request, desk))
    begun = time.monotonic()
    parts = answering.answer(question, desk.sources)
    mode = "selection_only" if question.only_selection else "normal"
    log = desk.log.bind(mode=mode, by_model=desk.sources.model is not None)
    try:
        # The first part is awaited before a status is sent, so that a failure is a status.
        first = await anext(parts, None)
        if EVENT_STREAM in request.headers.get("accept", ""):
            stream = _events(first, parts, log, begun)
            return StreamingResponse(stream, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})
        collected = [part async for part in parts]
    except IndexUnavailable as error:
        raise Problem(503, "index_unavailable", str(error), {"Retry-After": "5"}) from None
    except ModelFailed as error:
        log.warning("model_failed", reason=str(error), started=False)
        raise Problem(502, *MODEL_FAILED) from None
    return _whole([first, *collected] if first else collected, log, begun)


async def _proved_body(request: Request, desk: Desk) -> bytes:
    try:
        authorization = request.headers.getlist("authorization")
        proof = internal_token.verify(authorization, desk.secret, desk.audience, desk.now())
        body = await _read(request)
        proof.require_body(body)
    except InvalidToken as error:
        desk.log.warning("token_refused", reason=str(error))
        challenge = {"WWW-Authenticate": "Bearer", "Connection": "close"}
        raise Problem(401, "invalid_token", "This backend answers its chat proxy only.", challenge) from None
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "unsupported_media_type", "Send the question as application/json.")
    return body


async def _read(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_content_encoding", "Send the body without a Content-Encoding.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    detail = f"A body may have {MAX_BODY} bytes."
                    raise Problem(413, "body_too_large", detail, {"Connection": "close"})
    except ClientDisconnect:
        raise Problem(400, "incomplete_body", "The request ended before its body did.") from None
    except TimeoutError:
        raise Problem(
            408, "body_too_slow", "The body did not arrive in time.", {"Connection": "close"}
        ) from None
    return bytes(body)


def _whole(parts: list[Part], log: FilteringBoundLogger, begun: float) -> Response:
    citations = [asdict(part) for part in parts if isinstance(part, Citation)]
    text = "".join(part.text for part in parts if isinstance(part, Delta)).strip()
    _log_answer(log, len(citations), begun)
    content = orjson.dumps({"response": text, "citations": citations})
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _events(
    first: Part | None, parts: AsyncGenerator[Part, None], log: FilteringBoundLogger, begun: float
) -> AsyncIterator[bytes]:
    citations = 0
    # Closed with the response, also when its reader has left: the model's stream ends with it.
    async with aclosing(parts):
        yield _event("start", {})
        try:
            part = first
            while part is not None:
                citations += isinstance(part, Citation)
                yield _event("citation" if isinstance(part, Citation) else "delta", asdict(part))
                part = await anext(parts, None)
        except ModelFailed as error:
            log.warning("model_failed", reason=str(error), started=True)
            code, message = MODEL_FAILED
            yield _event("error", {"code": code, "message": message})
            return
        _log_answer(log, citations, begun)
        yield _event("done", {})


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def _log_answer(log: FilteringBoundLogger, citations: int, begun: float) -> None:
    log.info("answered", citations=citations, milliseconds=round((time.monotonic() - begun) * 1000))
