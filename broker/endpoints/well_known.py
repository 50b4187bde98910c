"""The broker's metadata: the public keys that may verify, and its OAuth endpoints (RFC 8414)."""

from contextlib import suppress
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints.oauth import GRANTS
from broker.errors import AUTHORIZE, OAUTH
from broker.login.languages import TAGS
from broker.signing.keyring import UnreadableKey
from broker.state import Broker
from edge.http.problems import unavailable
from edge.redis.client import StoreUnavailable
from tokens.claims import SCOPES
from tokens.dpop import ALGORITHMS

MAX_AGE: Final = "public, max-age=10"
"""Seconds: well below broker.signing.record.PUBLISHED_BEFORE_USE_MS, so that every copy has the key that
signs."""

router = APIRouter(prefix="/.well-known")


@router.get("/jwks.json", response_class=Response)
async def jwks(request: Request) -> Response:
    return await key_set(request.app.state.broker)


async def key_set(broker: Broker) -> Response:
    # A verifier asks right after a change, perhaps before this broker has noticed it. While Redis is down the
    # keys in memory are good enough, as no change is announced then.
    with suppress(StoreUnavailable, UnreadableKey):
        await broker.keys.refresh()
    ring = broker.keys.ring
    # An incomplete set would replace the complete one that a verifier has, and good keys would be lost.
    if ring is None or not ring.is_whole:
        raise unavailable("The signing keys cannot be read yet. Try again shortly.")
    return Response(ring.jwks(), headers={"Cache-Control": MAX_AGE}, media_type="application/json")


@router.get("/oauth-authorization-server", response_class=Response)
async def authorization_server(request: Request) -> Response:
    """RFC 8414: the endpoints and the algorithms that they support. `issuer` is exactly the tokens' `iss`."""
    broker: Broker = request.app.state.broker
    issuer = broker.config.issuer
    document = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}{AUTHORIZE}",
        "token_endpoint": f"{issuer}{OAUTH}token",
        "revocation_endpoint": f"{issuer}{OAUTH}revoke",
        "introspection_endpoint": f"{issuer}{OAUTH}introspect",
        # No RFC names these two; RFC 8414 2 allows a server members of its own.
        "chatgate_sessions_endpoint": f"{issuer}{OAUTH}sessions",
        "chatgate_session_revocation_endpoint": f"{issuer}{OAUTH}sessions/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "scopes_supported": list(SCOPES),
        "ui_locales_supported": list(TAGS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "introspection_signing_alg_values_supported": [broker.config.algorithm],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [broker.config.audience],
    }
    return Response(orjson.dumps(document), headers={"Cache-Control": MAX_AGE}, media_type="application/json")
