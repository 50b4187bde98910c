"""The other routes: a reader's conversations, their feedback, health, and the proxy's RFC 9728 metadata."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from chat_proxy.challenges import METADATA
from chat_proxy.clients import openai
from chat_proxy.conversations import feedback
from chat_proxy.gate import Caller
from chat_proxy.questions import bodies
from chat_proxy.questions.messages import SESSION_ID_PATTERN
from chat_proxy.state import ChatProxy
from edge.http.problems import Problem
from tokens.claims import CHAT, HISTORY, SCOPES
from tokens.dpop import ALGORITHMS
from tokens.errors import KeysUnavailable

NO_STORE: Final = {"Cache-Control": "no-store"}
CACHEABLE: Final = {"Cache-Control": "public, max-age=300"}

SessionId = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]

router = APIRouter()


def _proxy(request: Request) -> ChatProxy:
    proxy: ChatProxy = request.app.state.proxy
    return proxy


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such conversation of yours.")


async def _reader(request: Request) -> Caller:
    """Identify the reader with the checks of a question, and spend none of the reader's questions."""
    proxy = _proxy(request)
    caller = await proxy.gate.identify(request.scope, request.headers, HISTORY)
    await proxy.admission.require_live(caller)
    return caller


async def _asker(request: Request) -> Caller:
    """As `_reader`, for a token that may ask."""
    proxy = _proxy(request)
    caller = await proxy.gate.identify(request.scope, request.headers, CHAT)
    await proxy.admission.require_live(caller)
    return caller


@router.get("/sessions")
async def list_sessions(request: Request) -> Response:
    caller = await _reader(request)
    conversations = _proxy(request).conversations
    with conversations.reading(caller.reader):
        found = await conversations.all(caller.reader)
    return JSONResponse({"sessions": found}, headers=NO_STORE)


@router.get("/sessions/{session_id}")
async def read_session(request: Request, session_id: SessionId) -> Response:
    caller = await _reader(request)
    conversations = _proxy(request).conversations
    with conversations.reading(caller.reader):
        found = await conversations.messages(caller.reader, session_id)
    if found is None:
        raise _unknown()
    return JSONResponse({"session_id": session_id, "messages": found}, headers=NO_STORE)


@router.delete("/sessions/{session_id}", status_code=204)
async def delete_session(request: Request, session_id: SessionId) -> Response:
    proxy, caller = _proxy(request), await _reader(request)
    erase = partial(proxy.feedback.erase, caller.site.client_id)
    if not await proxy.conversations.delete(caller.reader, session_id, erase):
        raise _unknown()
    return Response(status_code=204, headers=NO_STORE)


@router.post("/sessions/{session_id}/feedback", status_code=204)
async def rate_answer(request: Request, session_id: SessionId) -> Response:
    proxy = _proxy(request)
    caller = await proxy.gate.identify(request.scope, request.headers, CHAT)
    given = feedback.parse(await bodies.read_json(request, feedback.MAX_BODY))
    proxy.gate.require_timely(caller)
    await proxy.admission.require_live(caller)
    before, noted = await proxy.feedback.rate(caller, session_id, given)
    # The rating is kept from here on, even if the entry for the operator fails.
    proxy.metrics.rated(caller.site.client_id, before, given.rating)
    await proxy.feedback.note(noted)
    return Response(status_code=204, headers=NO_STORE)


@router.get(openai.MODELS)
async def list_models(request: Request) -> Response:
    caller = await _asker(request)
    return JSONResponse(openai.models(caller.site), headers=NO_STORE)


@router.get(f"{openai.MODELS}/{{model}}")
async def read_model(request: Request, model: str) -> Response:
    caller = await _asker(request)
    return JSONResponse(openai.model(openai.backend_of(caller.site, model)), headers=NO_STORE)


@router.get("/healthz")
async def healthz() -> Response:
    return JSONResponse({"status": "ok"}, headers=NO_STORE)


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Tell whether a valid question would be admitted; the answer names each missing dependency."""
    proxy = _proxy(request)
    missing: list[str] = []
    if proxy.drain.has_begun:
        missing.append("shutting_down")
    if proxy.config.open_site is None:
        try:
            await proxy.keys.find("")
        except KeysUnavailable:
            missing.append("keys")
        await proxy.admission.ready()
    if missing:
        return JSONResponse(
            {"status": "unavailable", "missing": missing}, 503, {**NO_STORE, "Retry-After": "1"}
        )
    return JSONResponse({"status": "ready"}, headers=NO_STORE)


@router.get(METADATA)
async def protected_resource(request: Request) -> Response:
    """RFC 9728 2: the broker whose tokens this proxy takes, and how clients send them."""
    config = _proxy(request).config
    document: dict[str, Any] = {
        "resource": config.audience,
        "authorization_servers": [config.issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    return JSONResponse(document, headers=CACHEABLE)
