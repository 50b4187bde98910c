"""`GET|POST /auth/token`: an access token for a session. `POST /auth/revoke`: end the caller's session or
token."""

from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints import origins
from broker.endpoints.session_cookies import with_slid_session, without_session
from broker.oauth.mint import Issued, require_client
from broker.sessions.current import current
from broker.sessions.revocation import revoke_session, revoke_token
from broker.sessions.session import Session
from broker.state import Broker
from edge.http.authorization import bearer_token, invalid_token, unauthenticated
from tokens.errors import InvalidToken

NO_STORE: Final = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/auth")


@router.get("/token", response_class=Response)
@router.post("/token", response_class=Response)
async def exchange(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    if request.method == "POST":
        origins.require_trusted(request.headers, broker.config, signing_in=False)
    found = await current(broker, request.headers)
    if found is None:
        raise unauthenticated("There is no living session: sign in first.")
    # Most requests have no query, and Starlette takes its time to find no parameters in none.
    named = request.query_params.get("client_id") if request.scope["query_string"] else None
    issued = await mint(broker, found.session, named, origins.foreign_origin(request.headers, broker.config))
    body = {"token": issued.token, "expires_in": issued.expires_in, "token_type": issued.token_type}
    response = Response(orjson.dumps(body), headers=NO_STORE, media_type="application/json")
    return with_slid_session(response, broker, found)


@router.post("/revoke", response_class=Response, status_code=204)
async def revoke(request: Request) -> Response:
    """End the session that a cookie or a session bearer names, or the access token that is the bearer."""
    broker: Broker = request.app.state.broker
    origins.require_trusted(request.headers, broker.config, signing_in=False)
    found = await current(broker, request.headers, slide=False)
    if found is not None:
        origin = origins.foreign_origin(request.headers, broker.config)
        require_client(found.session, broker.config.clients, None, origin)
        await revoke_session(broker.sessions, found.session.sub, found.session.id, by="revoke")
        return without_session(Response(status_code=204, headers=NO_STORE), broker)
    bearer = bearer_token(request.headers)
    if bearer is None:
        raise unauthenticated()
    await _revoke_token(broker, bearer)
    return Response(status_code=204, headers=NO_STORE)


async def mint(broker: Broker, session: Session, client_id: str | None, origin: str | None) -> Issued:
    """A token for a living session. Raises Problem 401, 403 and, without signing keys, 503."""
    require_client(session, broker.config.clients, client_id, origin)
    issued = broker.mint.access_token(session)
    if issued is None:
        raise unauthenticated()
    return issued


async def _revoke_token(broker: Broker, bearer: str) -> None:
    now = broker.now()
    try:
        claims = (await broker.verifier.verify(bearer, now)).claims
    except InvalidToken:
        raise invalid_token() from None
    if claims.jkt is not None:
        # A bound token is not valid as a bearer (RFC 9449 7.2); /oauth2/revoke takes it.
        raise invalid_token()
    await revoke_token(broker.sessions, claims, now)
