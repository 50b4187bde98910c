"""/token and /jwks of Better Auth's jwt plugin, and /ok."""

from typing import Final

from starlette.responses import Response

from broker.endpoints import token, well_known
from broker.endpoints.better_auth import views
from broker.endpoints.better_auth.pipeline import Call, Endpoint
from broker.endpoints.origins import foreign_origin
from broker.endpoints.session_cookies import with_slid_session


async def get_token(call: Call) -> Response:
    current = await call.session()
    named = call.request.query_params.get("client_id")
    origin = foreign_origin(call.request.headers, call.broker.config)
    issued = await token.mint(call.broker, current.session, named, origin)
    response = views.answer({"token": issued.token})
    return with_slid_session(response, call.broker, current)


async def get_jwks(call: Call) -> Response:
    return await well_known.key_set(call.broker)


async def ok(_call: Call) -> Response:
    return views.answer({"ok": True})


ENDPOINTS: Final = (
    Endpoint("GET", "/token", get_token),
    Endpoint("GET", "/jwks", get_jwks),
    Endpoint("GET", "/ok", ok),
)
