"""The checks before every endpoint of the Better Auth API, made here so that no endpoint can forget one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints import origins
from broker.endpoints.better_auth import bodies
from broker.endpoints.better_auth.bodies import CALLBACK_URL, Member
from broker.endpoints.callers import caller_of, reading
from broker.endpoints.session_cookies import without_dead_session
from broker.errors import Unauthorized, respond
from broker.oauth.clients import Client
from broker.oauth.mint import require_client
from broker.sessions.current import Current, current, every
from broker.sessions.session import Caller
from broker.state import Broker


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its checked body, its sender, and the broker that answers."""

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
        """The caller's session. Raises Problem 403 on a page of another site than the session was made for: a
        site must not see or change a reader's session at another site."""
        found = await current(self.broker, self.request.headers, slide=slide)
        if found is not None:
            require_client(found.session, self.broker.config.clients, None, self._origin())
        return found

    async def previous_sessions(self) -> list[Current]:
        """The browser's sessions before a sign-in, of whichever site. Read before the sign-in makes anything,
        so that a sign-in whose old credentials are refused leaves nothing behind."""
        return await every(self.broker, self.request.headers)

    async def own_sessions(self) -> list[Current]:
        """All sessions that the caller's credentials name. Raises Problem 403 where none is of this site."""
        found = await every(self.broker, self.request.headers)
        clients, origin = self.broker.config.clients, self._origin()
        own = [one for one in found if clients.admits(one.session.client, origin)]
        if found and not own:
            require_client(found[0].session, clients, None, origin)
        return own

    async def session(self) -> Current:
        """The caller's session. Raises Unauthorized."""
        found = await self.find_session()
        if found is None:
            raise Unauthorized
        return found

    def _origin(self) -> str | None:
        return origins.foreign_origin(self.request.headers, self.broker.config)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`form`: the body may be a form. `signs_in`: it makes a session, so a browser must send its origin."""

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
            with reading(request):
                body = await bodies.read(request, endpoint.members, form=endpoint.form)
            if url := body.get(CALLBACK_URL.name):
                origins.require_safe_url(url, broker.config)
        try:
            return await endpoint.handler(Call(broker, request, body))
        except Unauthorized as error:
            # As Better Auth does: a browser should not keep sending a cookie of no session.
            return without_dead_session(respond(request.scope, error), broker, request.headers)

    router.add_api_route(
        endpoint.path,
        route,
        methods=[endpoint.method],
        response_class=Response,
        name=endpoint.handler.__name__,
        openapi_extra=_described(endpoint),
    )


def _described(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.method == "GET":
        return {}
    content = {bodies.JSON: {"schema": bodies.schema(endpoint.members)}}
    return {"requestBody": {"content": content, "required": any(one.required for one in endpoint.members)}}
