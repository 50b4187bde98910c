"""`POST /oauth2/token`, `/oauth2/revoke` (RFC 7009) and `/oauth2/introspect` (RFC 7662, RFC 9701)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

import orjson
from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints import forms, origins, proved
from broker.endpoints.callers import caller_of, reading
from broker.endpoints.proved import NO_STORE
from broker.errors import OAuthError
from broker.oauth import introspection
from broker.oauth.clients import ResourceServer
from broker.oauth.grants import (
    Grant,
    TokenRequest,
    authorization_code,
    guest,
    public_client,
    refresh_token,
    require_resource,
    required,
    token_exchange,
)
from broker.sessions.revocation import revoke_session, revoke_token
from broker.state import Broker
from tokens.errors import InvalidToken

GRANTS: Final[Mapping[str, Grant]] = {
    "authorization_code": authorization_code.exchange,
    "refresh_token": refresh_token.exchange,
    guest.GRANT_TYPE: guest.exchange,
    token_exchange.GRANT_TYPE: token_exchange.exchange,
}
_MAX_BASIC: Final = 1024

router = APIRouter(prefix="/oauth2")


_TOKEN: Final = forms.described(
    "client_id",
    "grant_type",
    optional=(
        *("code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "audience"),
        *("subject_token", "subject_token_type", "requested_token_type"),
    ),
)
_REVOKE: Final = forms.described("client_id", "token", optional=("token_type_hint",))
_INTROSPECT: Final = forms.described("token", optional=("token_type_hint", "client_id", "client_secret"))


@router.post("/token", response_class=Response, openapi_extra=_TOKEN)
async def token(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    with reading(request):
        parameters = await forms.read(request)
    origin = _origin(request)
    client = public_client(broker, parameters, request.headers, origin)
    grant = GRANTS.get(parameters.get("grant_type", ""))
    if grant is None:
        error = "unsupported_grant_type" if "grant_type" in parameters else "invalid_request"
        raise OAuthError(error, f"grant_type: one of {', '.join(GRANTS)} is needed")
    require_resource(parameters, broker.config.audience)
    caller = caller_of(request, broker)
    return await proved.answer(
        request, lambda jkt: grant(TokenRequest(broker, client, parameters, jkt, origin, caller))
    )


@router.post("/revoke", response_class=Response, openapi_extra=_REVOKE)
async def revoke(request: Request) -> Response:
    """200 whatever the token was, once its revocation is acknowledged (RFC 7009 2.2)."""
    broker: Broker = request.app.state.broker
    with reading(request):
        parameters = await forms.read(request)
    client = public_client(broker, parameters, request.headers, _origin(request))
    sent = required(parameters, "token")
    handle = broker.refresh_tokens.read(sent)
    if handle is not None:
        # Any token of the family will do: a client that sends an old one wants the whole family to end.
        session = await broker.sessions.by_id(handle.sub, handle.sid)
        # A session that is gone is ended again: an earlier attempt may not have been acknowledged.
        if session is None or session.client == client.id:
            await revoke_session(broker.sessions, handle.sub, handle.sid, by="oauth2_revoke")
    else:
        try:
            claims = (await broker.verifier.verify(sent, broker.now())).claims
        except InvalidToken:
            claims = None
        if claims is not None and claims.client_id == client.id:
            await revoke_token(broker.sessions, claims, broker.now())
    return Response(headers=NO_STORE)


@router.post("/introspect", response_class=Response, openapi_extra=_INTROSPECT)
async def introspect(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    with reading(request):
        parameters = await forms.read(request)
    caller = _resource_server(broker, parameters, request.headers)
    members = await introspection.describe(broker, caller, required(parameters, "token"))
    if introspection.MEDIA_TYPE in request.headers.get("accept", "").lower():
        signed = introspection.signed(broker, caller, members)
        return Response(signed, headers=NO_STORE, media_type=introspection.MEDIA_TYPE)
    return Response(orjson.dumps(members), headers=NO_STORE, media_type="application/json")


def _origin(request: Request) -> str | None:
    broker: Broker = request.app.state.broker
    issuer = broker.config.issuer
    if request.headers.get("origin") == issuer and issuer in broker.config.clients.origins:
        # A site whose pages share the broker's origin. The broker's own pages send nothing here.
        return issuer
    return origins.foreign_origin(request.headers, broker.config)


def _resource_server(broker: Broker, parameters: Mapping[str, str], headers: Headers) -> ResourceServer:
    """Authenticate by HTTP Basic or in the form, not both (RFC 6749 2.3.1). Raises OAuthError 401."""
    basic = headers.getlist("authorization")
    if basic and ("client_secret" in parameters or len(basic) > 1):
        raise OAuthError("invalid_request", "client_secret: it was sent in two ways")
    name, secret = _basic(basic[0]) if basic else _posted(parameters)
    server = broker.config.resource_servers.authenticated(name, secret)
    if server is None:
        challenge = {"WWW-Authenticate": 'Basic realm="introspection", charset="UTF-8"'}
        raise OAuthError("invalid_client", "client_secret: this is no resource server", 401, challenge)
    return server


def _posted(parameters: Mapping[str, str]) -> tuple[str, str]:
    return parameters.get("client_id", ""), parameters.get("client_secret", "")


def _basic(header: str) -> tuple[str, str]:
    """Name and secret; empty ones if the header cannot be read, which authenticate no server."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _MAX_BASIC:
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
