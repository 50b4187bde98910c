"""A question in any client's dialect: identify the caller, parse it, admit it, and pass the answer on."""

import asyncio
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from chat_proxy.admission.commands import Grant
from chat_proxy.backends import threads
from chat_proxy.backends.dialect import Asked
from chat_proxy.backends.meter import Meter
from chat_proxy.clients.form import Asking, Form
from chat_proxy.conversations import conversations
from chat_proxy.failures import READER_GONE, SHUTTING_DOWN, Failed, Failure
from chat_proxy.gate import Caller
from chat_proxy.metrics import ADMITTED
from chat_proxy.parts import Done, Part
from chat_proxy.questions import bodies
from chat_proxy.questions.messages import Question
from chat_proxy.state import ChatProxy
from chat_proxy.streams.responses import ClientResponse, Opening
from chat_proxy.streams.running import RunningAnswer
from chat_proxy.usage import spending
from edge.http.pieces import Pieces
from edge.http.problems import Problem
from edge.redis.client import StoreUnavailable
from edge.telemetry import logs
from tokens.claims import CHAT

LAST_WORDS: Final = 1.0
"""Seconds for sending the last event of an answer that was cut: its reader may have stopped reading. A whole
answer has the server's own time for a client that does not read (edge.server.http1.door)."""
MAX_REFUSED: Final = 60
"""Bodies that are read and prove to be no question, in a minute, of one reader or of a guest's address: each
takes up to 2 ms of the event loop, and spends no question of the reader's limits."""

_log = structlog.get_logger()


class Chat:
    """The route of one client's dialect as a plain ASGI application: FastAPI's own machinery would cost more
    than the work."""

    def __init__(self, proxy: ChatProxy, form: Form) -> None:
        self._proxy = proxy
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        proxy = self._proxy
        headers = Headers(scope=scope)
        try:
            caller, asking = await self._asked(scope, headers, receive)
        except Exception as error:
            proxy.metrics.refused(error)
            raise
        with proxy.drain.answers.entered(caller) as running:
            try:
                await self._answer(caller, asking, running, scope, receive, send)
            except Failed as error:
                if error.failure is not READER_GONE:
                    raise error.failure.problem() from None

    async def _asked(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[Caller, Asking]:
        proxy = self._proxy
        if proxy.drain.has_begun:
            raise SHUTTING_DOWN.problem()
        caller = await proxy.gate.identify(scope, headers, CHAT)
        with proxy.refused_bodies.reading(caller.address or caller.sub):
            parse = partial(self._form.read, caller, headers)
            asking = await bodies.read_by(parse, Request(scope, receive))
            _require_answerable(asking)
        proxy.gate.require_timely(caller)
        if proxy.drain.has_begun:
            # The drain began while the body came in, and may be over already.
            raise SHUTTING_DOWN.problem()
        return caller, asking

    async def _admitted(self, caller: Caller, asking: Asking, session_id: str) -> Grant:
        metrics = self._proxy.metrics
        # A thread goes on where the kept conversation names it, whatever the client sent.
        is_ours = asking.history is None or asking.backend.kind in threads.KEEPERS
        history = is_ours and asking.question.wants_history
        try:
            with self._proxy.traces.span("admission", site=caller.site.client_id):
                grant = await self._proxy.admission.admit(
                    caller, session_id, spending.estimate(asking), history=history
                )
        except Exception as error:
            metrics.refused(error)
            raise
        metrics.admissions[ADMITTED] += 1
        return grant

    async def _answer(
        self,
        caller: Caller,
        asking: Asking,
        running: RunningAnswer,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        started = self._proxy.clock()
        session_id = asking.question.session_id or secrets.token_urlsafe(12)
        grant = await self._admitted(caller, asking, session_id)
        running.admitted(grant)
        reply = asking.respond(Opening(send, Pieces(scope), session_id, grant.rate, self._proxy.gate.now()))
        meter = Meter(spending.estimate(asking).tokens_in)
        failure: Failure | None = READER_GONE
        try:
            with running.interruptible():
                await self._exchange(asking, grant, running, reply, receive, meter)
            failure = None
        except Failed as error:
            failure = error.failure
        finally:
            # Before the last event: a client that has received it may ask again at once, and must find the
            # place free.
            reply.usage = meter.usage
            self._proxy.metrics.spent(caller.site.client_id, spending.spent(asking.backend, reply.usage))
            await self._release(asking, grant, reply, meter, failure)
        try:
            if failure is not READER_GONE:
                async with asyncio.timeout(None if failure is None else LAST_WORDS):
                    await reply.finish(failure)
        except TimeoutError:
            # The answer stays torn, and the server closes a connection that its client does not read.
            pass
        finally:
            seconds = self._proxy.clock() - started
            self._proxy.metrics.ended(asking.backend.name, failure, seconds)
            _record(caller, asking.question, reply, failure, seconds)

    async def _exchange(
        self,
        asking: Asking,
        grant: Grant,
        running: RunningAnswer,
        reply: ClientResponse,
        receive: Receive,
        meter: Meter,
    ) -> None:
        backend = asking.backend
        running.limit(backend.first_byte_seconds, backend.answer_seconds, receive)
        answer = await self._proxy.client.ask(backend, _asked(asking, grant), meter, live=asking.live)
        try:
            chunk = await answer.more()
            running.begun()
            self._proxy.metrics.first_byte.observe(self._proxy.clock() - grant.asked_at)
            if asking.live:
                running.keep_alive()
            more = partial(answer.pass_on, partial(_take_at_once, running, reply))
            parts: Sequence[Part] | None = answer.parts(chunk)
            while True:
                if parts is None:
                    await reply.silence()
                elif parts:
                    await reply.take(parts)
                    if isinstance(parts[-1], Done):
                        return
                    if isinstance(parts[-1], Failure):
                        raise Failed(parts[-1])
                    running.spoke()
                parts = await running.read(more)
        finally:
            answer.close()

    async def _release(
        self, asking: Asking, grant: Grant, reply: ClientResponse, meter: Meter, failure: Failure | None
    ) -> None:
        kept: tuple[bytes, ...] = ()
        if failure is None and asking.keeps:
            ago = self._proxy.clock() - grant.asked_at
            asked_at = round((self._proxy.gate.now() - ago) * 1000)
            answer = conversations.answer(
                reply.text, reply.message_id, reply.citations, reply.ending, _noted(asking, meter)
            )
            kept = conversations.stored(asking.question, asked_at, answer)
        try:
            await self._proxy.admission.release(grant, kept, spending.spent(asking.backend, reply.usage))
        except StoreUnavailable as error:
            # The reader has the answer. Its tokens are counted once Redis answers again; the conversation
            # lacks this answer.
            _log.warning("release_failed", reason=str(error))


def _take_at_once(running: RunningAnswer, reply: ClientResponse, parts: Sequence[Part]) -> bool:
    # An answer that was ended in this turn of the loop gets no further part.
    if running.failure is not None or not reply.take_at_once(parts):
        return False
    running.spoke()
    return True


def _require_answerable(asking: Asking) -> None:
    """Raises Problem 422 for a question that its backend would answer from more, or from less, than was
    asked."""
    backend, question = asking.backend, asking.question
    if question.mode == "selection_only" and not backend.answers_selections:
        raise Problem(422, "invalid_mode", "This backend does not answer from a selection alone.")
    if backend.kind in threads.KEEPERS and asking.history and not asking.keeps:
        detail = "This backend keeps its own threads: name a conversation in chatgate.session_id."
        raise Problem(422, "invalid_message", detail)


def _asked(asking: Asking, grant: Grant) -> Asked:
    """The question with the earlier messages: those that the client sent, or those that are kept."""
    if not asking.question.wants_history:
        return Asked(asking.question)
    if asking.backend.kind in threads.KEEPERS:
        return Asked(asking.question, thread=threads.of(asking.backend, conversations.thread(grant.history)))
    earlier = conversations.history(grant.history) if asking.history is None else asking.history
    return Asked(asking.question, earlier)


def _noted(asking: Asking, meter: Meter) -> str:
    """The note of the backend's thread. An answer about a selection alone begins no thread that goes on."""
    if asking.backend.kind not in threads.KEEPERS or not asking.question.wants_history:
        return ""
    return threads.noted(asking.backend, getattr(meter.reader, "thread", None))


def _record(
    caller: Caller, question: Question, reply: ClientResponse, failure: Failure | None, seconds: float
) -> None:
    logs.audit(
        "question",
        outcome="answered" if failure is None else failure.code,
        client=caller.site.client_id,
        tier=caller.tier,
        mode=question.mode,
        milliseconds=round(seconds * 1000),
        bytes=reply.bytes_sent,
    )
