"""The other routes: a reader's conversations, health, and what the proxy says of itself."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from chat_proxy.challenges import METADATA
from chat_proxy.gate import Caller
from chat_proxy.messages import SESSION_ID_PATTERN
from chat_proxy.state import ChatProxy
from edge.problems import Problem
from tokens.claims import HISTORY, SCOPES
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
    """Whose request it is, checked as a question is but without spending one."""
    proxy = _proxy(request)
    caller = await proxy.gate.identify(request.scope, request.headers, HISTORY)
    await proxy.admission.require_live(caller)
    return caller


@router.get("/sessions")
async def list_sessions(request: Request) -> Response:
    caller = await _reader(request)
    conversations = _proxy(request).conversations
    with conversations.reading(caller.sub):
        found = await conversations.all(caller.sub)
    return JSONResponse({"sessions": found}, headers=NO_STORE)


@router.get("/sessions/{session_id}")
async def read_session(request: Request, session_id: SessionId) -> Response:
    caller = await _reader(request)
    conversations = _proxy(request).conversations
    with conversations.reading(caller.sub):
        found = await conversations.messages(caller.sub, session_id)
    if found is None:
        raise _unknown()
    return JSONResponse({"session_id": session_id, "messages": found}, headers=NO_STORE)


@router.delete("/sessions/{session_id}", status_code=204)
async def delete_session(request: Request, session_id: SessionId) -> Response:
    caller = await _reader(request)
    if not await _proxy(request).conversations.delete(caller.sub, session_id):
        raise _unknown()
    return Response(status_code=204, headers=NO_STORE)


@router.get("/healthz")
async def healthz() -> Response:
    return JSONResponse({"status": "ok"}, headers=NO_STORE)


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Whether a good question would be let through; which dependency is missing is in the answer."""
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
    """RFC 9728 2: which broker's tokens are taken here, and how they are sent."""
    config = _proxy(request).config
    document: dict[str, Any] = {
        "resource": config.audience,
        "authorization_servers": [config.issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    return JSONResponse(document, headers=CACHEABLE)
