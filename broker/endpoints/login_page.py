"""`/login`: the broker's own sign-in page, a form for each way to prove who one is. It needs no script.

The authorization request is in the address of every form and is read anew each time: nothing is kept of a
reader before they have proved who they are, and no cookie is set.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker import authorization, codes, pages
from broker.accounts import AccountsError, AccountsUnavailable, InvalidEmail, InvalidProfile
from broker.authorization import AuthorizationRequest
from broker.codes import Code
from broker.endpoints import forms, origins
from broker.endpoints.authorize import moved
from broker.endpoints.better_auth.pipeline import caller_of
from broker.errors import LOGIN, OAuthError
from broker.login import anonymous, email
from broker.pages import FormError, SignInPage
from broker.passwords import HashingBusy, PasswordRefused
from broker.sessions import Caller, Identity
from broker.state import Broker
from edge.problems import Problem
from edge.store import StoreUnavailable

Screen = Literal["sign-in", "sign-up"]
SIGN_UP: Final = f"{LOGIN}/sign-up"
GUEST: Final = f"{LOGIN}/guest"
_RETRY: Final = "That did not work just now. Try again in a moment."

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One form that was sent: for what, by whom, and its fields."""

    broker: Broker
    asked: AuthorizationRequest
    caller: Caller
    fields: Mapping[str, str]

    def field(self, name: str) -> str:
        return self.fields.get(name, "")


Prove = Callable[[Attempt], Awaitable[Identity]]


@router.get(LOGIN, response_class=Response)
async def show_sign_in(request: Request) -> Response:
    return _shown(request, "sign-in")


@router.get(SIGN_UP, response_class=Response)
async def show_sign_up(request: Request) -> Response:
    return _shown(request, "sign-up")


@router.get(GUEST, response_class=Response)
async def show_guest(request: Request) -> Response:
    """For a reader who loads the address of that form again."""
    parameters = forms.parse(request.scope["query_string"])
    return moved(f"{LOGIN}?{authorization.query_of(parameters)}", None)


@router.post(LOGIN, response_class=Response)
async def sign_in(request: Request) -> Response:
    async def prove(attempt: Attempt) -> Identity:
        proved = await email.prove(
            attempt.broker,
            attempt.asked.to.client,
            attempt.caller,
            email=attempt.field("email"),
            password=attempt.field("password"),
        )
        return proved.identity

    return await _attempted(request, "sign-in", prove)


@router.post(SIGN_UP, response_class=Response)
async def sign_up(request: Request) -> Response:
    async def prove(attempt: Attempt) -> Identity:
        made = await email.make_account(
            attempt.broker,
            attempt.asked.to.client,
            attempt.caller,
            name=attempt.field("name"),
            email=attempt.field("email"),
            password=attempt.field("password"),
            image=None,
        )
        return made.identity

    return await _attempted(request, "sign-up", prove)


@router.post(GUEST, response_class=Response)
async def continue_as_guest(request: Request) -> Response:
    async def prove(attempt: Attempt) -> Identity:
        return await anonymous.prove(attempt.broker, attempt.asked.to.client, attempt.caller)

    return await _attempted(request, "sign-in", prove)


def _shown(request: Request, screen: Screen) -> Response:
    broker: Broker = request.app.state.broker
    parameters = forms.parse(request.scope["query_string"])
    asked = authorization.parse(parameters, broker.config.clients, broker.config.audience)
    return _page(broker, asked, authorization.query_of(parameters), screen, {}, None, 200, {})


async def _attempted(request: Request, screen: Screen, prove: Prove) -> Response:
    broker: Broker = request.app.state.broker
    origins.require_own_page(request.headers, broker.config)
    parameters = forms.parse(request.scope["query_string"])
    asked = authorization.parse(parameters, broker.config.clients, broker.config.audience)
    fields = await forms.read(request)
    caller = caller_of(request, broker)
    try:
        identity = await prove(Attempt(broker, asked, caller, fields))
        location = await _answer(broker, asked, identity, caller)
    except (Problem, AccountsError, PasswordRefused, HashingBusy, StoreUnavailable) as error:
        status, told, headers = _told(error)
        query = authorization.query_of(parameters)
        return _page(broker, asked, query, screen, fields, told, status, headers)
    return moved(location, asked.to.origin)


async def _answer(broker: Broker, asked: AuthorizationRequest, identity: Identity, caller: Caller) -> str:
    """A code for what was proved, in the address of the site's page."""
    handle = codes.new_handle(identity.sub)
    code = Code(
        client_id=asked.to.client.id,
        redirect_uri=asked.to.redirect_uri,
        challenge=asked.challenge,
        scope=asked.scope,
        jkt=asked.jkt,
        identity=identity,
        caller=caller,
        made_at=0,
    )
    await broker.codes.add(handle, code)
    return asked.to.answer(broker.config.issuer, code=handle)


def _page(
    broker: Broker,
    asked: AuthorizationRequest,
    query: str,
    screen: Screen,
    fields: Mapping[str, str],
    error: FormError | None,
    status: int,
    headers: Mapping[str, str],
) -> Response:
    to = asked.to
    page = SignInPage(
        site=to.client.id,
        host=to.origin.partition("://")[2],
        query=query,
        cancel_url=to.answer(broker.config.issuer, error="access_denied"),
        sign_up=broker.config.sign_up,
        guests=to.client.guests,
        screen=screen,
        error=error,
        email=fields.get("email", ""),
        name=fields.get("name", ""),
    )
    shown = pages.sign_in_page(page)
    return Response(shown, status, {**headers, **pages.headers(to.origin)}, "text/html")


_FIELDS: Final[Mapping[str, Literal["name", "email", "password", ""]]] = {
    "INVALID_EMAIL_OR_PASSWORD": "password",
    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL": "email",
}
_MESSAGES: Final = {
    "INVALID_EMAIL_OR_PASSWORD": "The e-mail address or the password is not right.",
    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL": "This e-mail address has an account already: sign in with it.",
    "EMAIL_PASSWORD_SIGN_UP_DISABLED": "New accounts are not open to readers here.",
    "ANONYMOUS_SIGN_IN_DISABLED": "This site takes no guests: sign in instead.",
    "PASSWORD_TOO_SHORT": "The password is too short: it needs 8 characters.",
    "PASSWORD_TOO_LONG": "The password is too long: at most 128 characters can be used.",
    "PASSWORD_COMMON": "Many people use this password, so it would be guessed: choose another.",
    "BANNED_USER": "This account has been closed. Ask the owner of the site.",
}


def _told(error: Exception) -> tuple[int, FormError, Mapping[str, str]]:
    """What the reader is told, with the status and headers of the answer."""
    if isinstance(error, InvalidEmail):
        return 400, FormError("This is not an e-mail address that can be used here.", "email"), {}
    if isinstance(error, InvalidProfile):
        return 400, FormError(f"{error}.", "name"), {}
    if isinstance(error, PasswordRefused):
        return 400, FormError(_MESSAGES.get(error.code, f"{error}."), "password"), {}
    if isinstance(error, HashingBusy):
        return 503, FormError(_RETRY), {"Retry-After": str(error.retry_after)}
    if isinstance(error, Problem) and not isinstance(error, OAuthError):
        message = _MESSAGES.get(error.code, error.detail)
        return error.status, FormError(message, _FIELDS.get(error.code, "")), error.headers
    if isinstance(error, StoreUnavailable | AccountsUnavailable):
        return 503, FormError(_RETRY), {"Retry-After": "1"}
    raise error
