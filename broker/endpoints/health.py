"""`GET /healthz`: alive. `GET /readyz`: the dependencies of a sign-in answer."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.accounts.accounts import AccountsUnavailable
from broker.state import Broker
from edge.http.problems import unavailable

NO_STORE: Final = {"Cache-Control": "no-store"}

router = APIRouter()


@router.get("/healthz", response_class=Response)
async def alive() -> Response:
    return Response(b'{"status":"ok"}', headers=NO_STORE, media_type="application/json")


@router.get("/readyz", response_class=Response)
async def ready(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    # `refresh` asks Redis, and sets the keys and cuts that are missing there.
    await broker.keys.refresh()
    await broker.sessions.ready()
    try:
        await broker.accounts.ready()
    except AccountsUnavailable:
        raise unavailable("Accounts cannot be read.") from None
    return Response(b'{"status":"ready"}', headers=NO_STORE, media_type="application/json")
