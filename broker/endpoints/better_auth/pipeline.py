"""What every endpoint of the Better Auth API goes through before its own code, so that none can forget it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.clients import Client
from broker.credentials import Current, current
from broker.endpoints import origins
from broker.endpoints.better_auth import bodies
from broker.endpoints.better_auth.bodies import CALLBACK_URL, Member
from broker.endpoints.session_cookies import without_dead_session
from broker.errors import Unauthorized, respond
from broker.issuing import require_client
from broker.sessions import MAX_USER_AGENT, Caller
from broker.state import Broker
from edge.client_address import client_address


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its checked body, who sent it, and the broker that answers."""

    broker: Broker
    request: Request
    body: Mapping[str, Any]

    @property
    def caller(self) -> Caller:
        return caller_of(self.request, self.broker)

    def client(self) -> Client:
        """The site that a new session is for. Raises Problem 400 or 403."""
        named = self.request.query_params.get("client_id")
        return self.broker.config.clients.choose(named, self._origin())

    async def find_session(self, *, slide: bool = True) -> Current | None:
        """The caller's. Raises Problem 403 on a page of another site than the session was made for: what a
        reader is signed in to there is not this site's to see or to change."""
        found = await current(self.broker, self.request.headers, slide=slide)
        if found is not None:
            require_client(found.session, self.broker.config.clients, None, self._origin())
        return found

    async def previous_session(self) -> Current | None:
        """What the browser had before it signs in, of whichever site. Asked for before anything is made, so
        that credentials which are refused leave nothing behind."""
        return await current(self.broker, self.request.headers, slide=False)

    async def session(self) -> Current:
        """Raises Unauthorized."""
        found = await self.find_session()
        if found is None:
            raise Unauthorized
        return found

    def _origin(self) -> str | None:
        return origins.foreign_origin(self.request.headers, self.broker.config)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`form`: the body may be a form. `signs_in`: it makes a session, so a browser must name its origin."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    members: Sequence[Member] = field(default=())
    form: bool = False
    signs_in: bool = False


def mount(router: APIRouter, endpoint: Endpoint) -> None:
    async def route(request: Request) -> Response:
        broker: Broker = request.app.state.broker
        body: Mapping[str, Any] = {}
        if endpoint.method == "POST":
            origins.require_trusted(request.headers, broker.config, signing_in=endpoint.signs_in)
            body = await bodies.read(request, endpoint.members, form=endpoint.form)
            if url := body.get(CALLBACK_URL.name):
                origins.require_safe_url(url, broker.config)
        try:
            return await endpoint.handler(Call(broker, request, body))
        except Unauthorized as error:
            # As Better Auth does: a browser should not go on sending what stands for nothing.
            return without_dead_session(respond(request.scope, error), broker, request.headers)

    router.add_api_route(
        endpoint.path,
        route,
        methods=[endpoint.method],
        response_class=Response,
        name=endpoint.handler.__name__,
        openapi_extra=_described(endpoint),
    )


def caller_of(request: Request, broker: Broker) -> Caller:
    headers = request.headers
    peer = request.client.host if request.client else None
    address = client_address(
        peer, ",".join(headers.getlist("x-forwarded-for")), broker.config.trusted_proxies
    )
    return Caller(address, headers.get("user-agent", "")[:MAX_USER_AGENT])


def _described(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.method == "GET":
        return {}
    content = {bodies.JSON: {"schema": bodies.schema(endpoint.members)}}
    return {"requestBody": {"content": content, "required": any(one.required for one in endpoint.members)}}
