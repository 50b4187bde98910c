"""POST /chat: who asks, what is asked, may it go through, and the answer as it comes."""

import asyncio
import secrets
from typing import Any, Final

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from chat_proxy import conversations, messages
from chat_proxy.admission import Grant
from chat_proxy.answers import Running
from chat_proxy.backends import native
from chat_proxy.failures import READER_GONE, SHUTTING_DOWN, Failed, Failure
from chat_proxy.figures import ADMITTED
from chat_proxy.gate import Caller
from chat_proxy.messages import Question
from chat_proxy.replies import JsonReply, Reply, StreamReply
from chat_proxy.state import ChatProxy
from edge.body_limit import read_body
from edge.problems import Problem
from edge.store import StoreUnavailable
from tokens import strict_json
from tokens.claims import CHAT

LAST_WORDS: Final = 1.0
"""Seconds for the last event of an answer that was cut: its reader may have stopped reading."""

_log = structlog.get_logger()


class Chat:
    """The route as a plain ASGI application: FastAPI's own machinery would cost more than the work."""

    def __init__(self, proxy: ChatProxy) -> None:
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        proxy = self._proxy
        headers = Headers(scope=scope)
        try:
            caller, question = await self._asked(scope, headers, receive)
        except Exception as error:
            proxy.figures.refused(error)
            raise
        live = native.EVENT_STREAM in headers.get("accept", "").lower()
        with proxy.drain.answers.entered(caller) as running:
            try:
                await self._answer(caller, question, running, live, receive, send)
            except Failed as error:
                if error.failure is not READER_GONE:
                    raise error.failure.problem() from None

    async def _asked(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Caller, Question]:
        proxy = self._proxy
        if proxy.drain.has_begun:
            raise SHUTTING_DOWN.problem()
        caller = await proxy.gate.identify(scope, headers, CHAT)
        _require_json(headers)
        question = messages.parse(_parsed(await read_body(Request(scope, receive))))
        proxy.gate.require_timely(caller)
        if proxy.drain.has_begun:
            # It began while the body came in, and may be over already.
            raise SHUTTING_DOWN.problem()
        return caller, question

    async def _admitted(self, caller: Caller, question: Question, session_id: str) -> Grant:
        figures = self._proxy.figures
        try:
            with self._proxy.traces.span("admission", site=caller.site.client_id):
                grant = await self._proxy.admission.admit(caller, session_id, history=question.wants_history)
        except Exception as error:
            figures.refused(error)
            raise
        figures.admissions[ADMITTED] += 1
        return grant

    async def _answer(
        self, caller: Caller, question: Question, running: Running, live: bool, receive: Receive, send: Send
    ) -> None:
        started = self._proxy.clock()
        session_id = question.session_id or secrets.token_urlsafe(12)
        grant = await self._admitted(caller, question, session_id)
        running.admitted(grant)
        reply = (StreamReply if live else JsonReply)(send, session_id, grant.rate)
        failure: Failure | None = READER_GONE
        try:
            with running.interruptible():
                await self._exchange(question, grant, running, reply, receive)
            failure = None
        except Failed as error:
            failure = error.failure
        finally:
            # Before the last words: whoever has them may ask again, and find the place free.
            await self._release(question, grant, reply, failure)
        try:
            if failure is not READER_GONE:
                async with asyncio.timeout(LAST_WORDS):
                    await reply.finish(failure)
        except TimeoutError:
            # The answer is left torn, and the server closes what nobody reads.
            pass
        finally:
            seconds = self._proxy.clock() - started
            self._proxy.figures.ended(caller.site.backend.name, failure, seconds)
            _record(caller, question, reply, failure, seconds)

    async def _exchange(
        self, question: Question, grant: Grant, running: Running, reply: Reply, receive: Receive
    ) -> None:
        backend = grant.caller.site.backend
        running.limit(backend.first_byte_seconds, backend.answer_seconds, receive)
        body = native.body(question, conversations.history(grant.history))
        answer = await self._proxy.forward.ask(backend, body, live=isinstance(reply, StreamReply))
        try:
            chunk: bytes | None = await answer.more()
            running.begun()
            self._proxy.figures.first_byte.observe(self._proxy.clock() - grant.asked_at)
            if isinstance(reply, StreamReply):
                running.keep_alive()
            while True:
                if chunk is None:
                    await reply.silence()
                else:
                    parts = answer.parts(chunk)
                    if parts:
                        await reply.take(parts)
                        if parts[-1] is native.DONE:
                            return
                        if isinstance(parts[-1], Failure):
                            raise Failed(parts[-1])
                        running.spoke()
                chunk = await running.read(answer.more)
        finally:
            answer.close()

    async def _release(self, question: Question, grant: Grant, reply: Reply, failure: Failure | None) -> None:
        kept: tuple[bytes, ...] = ()
        if failure is None:
            kept = conversations.stored(question.message, reply.text, reply.message_id, reply.citations)
        try:
            await self._proxy.admission.release(grant, kept)
        except StoreUnavailable as error:
            # The answer stands; its lease ends by itself, and the conversation lacks this one.
            _log.warning("release_failed", reason=str(error))


def _require_json(headers: Headers) -> None:
    found = headers.getlist("content-type")
    media_type, _, parameters = (found[0] if len(found) == 1 else "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != native.JSON or charset not in ("", "charset=utf-8"):
        raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8.")


def _parsed(body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except strict_json.NotStrictJSON:
        raise Problem(400, "invalid_json", "Send one JSON value in UTF-8, each key once.") from None


def _record(
    caller: Caller, question: Question, reply: Reply, failure: Failure | None, seconds: float
) -> None:
    _log.info(
        "question",
        audit=True,
        outcome="answered" if failure is None else failure.code,
        client=caller.site.client_id,
        tier=caller.tier,
        mode=question.mode,
        milliseconds=round(seconds * 1000),
        bytes=reply.bytes_sent,
    )
