"""Endpoints that are served past FastAPI's layers, which cost more than the work of a short endpoint."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


def direct(app: FastAPI, *chosen: tuple[APIRouter, Endpoint]) -> Mapping[tuple[str, str], ASGIApp]:
    """The applications that serve routes by method and path, for edge.http.middleware. Each route is named by
    its router and its endpoint, which takes nothing but the request.

    The routes stay in `app`, which describes them and refuses the other methods of their paths. Raises
    LookupError for an endpoint that the router does not have.
    """
    found: dict[tuple[str, str], ASGIApp] = {}
    for router, endpoint in chosen:
        routes = [one for one in router.routes if isinstance(one, APIRoute) and one.endpoint is endpoint]
        if not routes:
            raise LookupError(f"{endpoint} is no endpoint of the router")
        for route in routes:
            found |= {(method, route.path): _served(app, route) for method in route.methods or ()}
    return found


def _served(app: FastAPI, route: APIRoute) -> ASGIApp:
    endpoint: Endpoint = route.endpoint

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        # As Starlette sets them: the endpoint finds its application, and a span the route as it was declared.
        scope["app"], scope["route"] = app, route
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return serve
