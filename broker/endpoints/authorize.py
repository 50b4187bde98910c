"""`GET /oauth2/authorize`: redirects to the login page, or back to the site with an error; nowhere else."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints import forms
from broker.errors import AUTHORIZE, LOGIN
from broker.login import pages
from broker.oauth import authorization
from broker.oauth.authorization import RefusedRequest
from broker.state import Broker

router = APIRouter()


@router.get(AUTHORIZE, response_class=Response)
async def authorize(request: Request) -> Response:
    broker: Broker = request.app.state.broker
    parameters = forms.parse(request.scope["query_string"])
    authorization.parse(parameters, broker.config.clients, broker.config.audience)
    return moved(f"{LOGIN}?{authorization.query_of(parameters)}", None)


async def send_back(request: Request, refused: Exception) -> Response:
    """Answer a RefusedRequest that any of these pages raised, by a redirect that tells the site."""
    assert isinstance(refused, RefusedRequest)  # noqa: S101  registered for nothing else
    broker: Broker = request.app.state.broker
    error = refused.error
    location = refused.to.answer(broker.config.issuer, error=error.code, error_description=error.detail)
    return moved(location, refused.to.origin)


def moved(location: str, origin: str | None) -> Response:
    """303, so that the browser does not post the form's body again; with the page's headers, as its policy
    governs where a form may lead."""
    return Response(status_code=303, headers={**pages.headers(origin), "Location": location})
