"""`GET /.well-known/jwks.json`: the public keys that may verify."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.state import Broker
from edge.problems import unavailable

MAX_AGE: Final = "public, max-age=60"
"""Seconds: as long as a key is published before it signs, a cached set is never too old."""

router = APIRouter(prefix="/.well-known")


@router.get("/jwks.json", response_class=Response)
async def jwks(request: Request) -> Response:
    return await key_set(request.app.state.broker)


async def key_set(broker: Broker) -> Response:
    ring = broker.keys.ring
    if ring is None:
        raise unavailable("The signing keys cannot be read yet. Try again shortly.")
    return Response(ring.jwks(), headers={"Cache-Control": MAX_AGE}, media_type="application/json")
