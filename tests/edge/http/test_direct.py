"""Routes that are served past FastAPI's layers."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from edge.http.direct import direct
from edge.http.middleware import with_middleware
from edge.http.problems import Problem

router = APIRouter(prefix="/of")


@router.get("/it", response_class=Response)
@router.post("/it", response_class=Response)
async def answer(request: Request) -> Response:
    if request.method == "POST":
        raise Problem(409, "taken", (await request.body()).decode())
    return Response(f"{request.app.state.name} {request.scope['route'].path}")


def app_of(chosen):
    app = FastAPI()
    app.state.name = "ours"
    app.include_router(router)
    routes = direct(app, *chosen)
    served = with_middleware(app, allowed=lambda _: False, exposed="", direct=routes)
    return routes, httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://a.example")


async def test_a_direct_route_answers_as_the_framework_does():
    routes, directly = app_of([(router, answer)])
    _, by_framework = app_of([])
    assert set(routes) == {("GET", "/of/it"), ("POST", "/of/it")}
    async with directly, by_framework:
        for method in ("GET", "POST", "PUT", "HEAD"):
            answers = [
                await one.request(method, "/of/it", content=b"It.") for one in (directly, by_framework)
            ]
            told = [(one.status_code, one.text, one.headers.get("allow")) for one in answers]
            assert told[0] == told[1]
            assert told[0][0] == {"GET": 200, "POST": 409, "PUT": 405, "HEAD": 405}[method]


def test_an_endpoint_that_no_route_has_is_refused():
    with pytest.raises(LookupError):
        app_of([(APIRouter(), answer)])
