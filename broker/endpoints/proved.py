"""Answers to OAuth requests that may bring a DPoP proof (RFC 9449 5, 8)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints.callers import caller_of
from broker.errors import OAuthError
from broker.state import Broker

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def answer(request: Request, act: Callable[[str], Awaitable[dict[str, Any]]]) -> Response:
    """Answer with the body that `act` makes for the proved key; the key is empty without a proof.

    Raises OAuthError."""
    broker: Broker = request.app.state.broker
    if "dpop" in request.headers:
        await broker.rates.proof(caller_of(request, broker).address)
    now = broker.now()
    jkt = await broker.proof_check.proved_key(request.headers, request.method, request.scope["path"], now)
    # From here on every answer, also an error, gives the client the nonce for its next proof.
    headers = broker.proof_check.nonce(now) if jkt else {}
    try:
        body = await act(jkt)
    except OAuthError as error:
        error.headers |= headers
        raise
    return Response(orjson.dumps(body), headers={**NO_STORE, **headers}, media_type="application/json")
