"""`GET /oauth2/authorize`: to the login page, or back to the site with what is wrong; nowhere else."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker import authorization, pages
from broker.authorization import RefusedRequest
from broker.endpoints import forms
from broker.errors import AUTHORIZE, LOGIN
from broker.state import Broker

router = APIRouter()


@router.get(AUTHORIZE, response_class=Response)
async def authorize(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    parameters = forms.parse(request.scope["query_string"])
    authorization.parse(parameters, broker.config.clients, broker.config.audience)
    return moved(f"{LOGIN}?{authorization.query_of(parameters)}", None)


async def send_back(request: Request, refused: Exception) -> Response:
    """Answers a RefusedRequest that any of these pages raised: the site is told."""
    assert isinstance(refused, RefusedRequest)  # noqa: S101  registered for nothing else
    broker: Broker = request.app.state.broker
    error = refused.error
    location = refused.to.answer(broker.config.issuer, error=error.code, error_description=error.detail)
    return moved(location, refused.to.origin)


def moved(location: str, origin: str | None) -> Response:
    """303, so that a form's body is not posted again; with the page's headers, as its policy governs where
    a form may lead."""
    return Response(status_code=303, headers={**pages.headers(origin), "Location": location})
