"""`POST /chat`: judge the token, read the question, answer it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from structlog.typing import FilteringBoundLogger

from rag_backend import internal_token
from rag_backend.answers import answer, questions, responses
from rag_backend.answers.answer import Sources
from rag_backend.answers.responses import Reply
from rag_backend.internal_token import InvalidToken
from rag_backend.problems import Problem

MAX_BODY: Final = 1_048_576
"""Bytes: a history of 256 KiB may take four times that as JSON escapes."""
BODY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class State:
    """The state of the endpoint; `now` gives seconds since the epoch, and `life_every` is the seconds between
    two signs of life."""

    secret: bytes
    audience: str
    sources: Sources
    log: FilteringBoundLogger
    now: Callable[[], float]
    life_every: float


async def answer_question(request: Request, state: State) -> Response:
    """Authenticate the proxy, then answer its question. Raises Problem."""
    body = await _proved_body(request, state)
    question = questions.parse(body)
    log = state.log.bind(
        mode="selection_only" if question.only_selection else "normal",
        by_model=state.sources.model is not None,
    )
    parts = answer.answer(question, state.sources)
    reply = Reply(parts, len(body), log, time.monotonic(), state.life_every)
    if responses.EVENT_STREAM in request.headers.get("accept", ""):
        return await reply.as_events()
    return await reply.as_json(request.receive)


async def _proved_body(request: Request, state: State) -> bytes:
    try:
        authorization = request.headers.getlist("authorization")
        proof = internal_token.verify(authorization, state.secret, state.audience, state.now())
        body = await _read(request)
        proof.require_body(body)
    except InvalidToken as error:
        state.log.warning("token_refused", reason=str(error))
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
