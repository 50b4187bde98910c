"""`/login`: the broker's own sign-in page, with a form for each way to prove an identity. It needs no script.

The authorization request is in the address of every form and is read anew each time: the broker keeps
nothing about a reader who has not signed in, and sets no cookie.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.accounts.accounts import AccountsError, AccountsUnavailable, InvalidEmail, InvalidProfile
from broker.accounts.passwords import HashingBusy, PasswordRefused
from broker.endpoints import forms, origins
from broker.endpoints.authorize import moved
from broker.endpoints.callers import caller_of, reading
from broker.errors import LOGIN, OAuthError
from broker.login import anonymous, email, languages, pages
from broker.login.pages import FormError, SignInPage
from broker.oauth import authorization, codes
from broker.oauth.authorization import AuthorizationRequest
from broker.oauth.codes import Code
from broker.sessions.session import Caller, Identity
from broker.state import Broker
from edge.http.problems import Problem
from edge.redis.client import StoreUnavailable

Screen = Literal["sign-in", "sign-up"]
SIGN_UP: Final = f"{LOGIN}/sign-up"
GUEST: Final = f"{LOGIN}/guest"
_RETRY: Final = FormError("try_again")

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One form that was sent: the authorization request, the sender, and the fields."""

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
    """Redirect a reader who reloads the address of the guest form."""
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
    return _page(request, asked, authorization.query_of(parameters), screen, {}, None, 200, {})


async def _attempted(request: Request, screen: Screen, prove: Prove) -> Response:
    broker: Broker = request.app.state.broker
    origins.require_own_page(request.headers, broker.config)
    parameters = forms.parse(request.scope["query_string"])
    asked = authorization.parse(parameters, broker.config.clients, broker.config.audience)
    with reading(request):
        fields = await forms.read(request)
    caller = caller_of(request, broker)
    try:
        identity = await prove(Attempt(broker, asked, caller, fields))
        location = await _answer(broker, asked, identity, caller)
    except (Problem, AccountsError, PasswordRefused, HashingBusy, StoreUnavailable) as error:
        status, told, headers = _told(error)
        query = authorization.query_of(parameters)
        return _page(request, asked, query, screen, fields, told, status, headers)
    return moved(location, asked.to.origin)


async def _answer(broker: Broker, asked: AuthorizationRequest, identity: Identity, caller: Caller) -> str:
    """Make a code for the identity, and return the address of the site's page that brings it."""
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
    request: Request,
    asked: AuthorizationRequest,
    query: str,
    screen: Screen,
    fields: Mapping[str, str],
    error: FormError | None,
    status: int,
    headers: Mapping[str, str],
) -> Response:
    broker: Broker = request.app.state.broker
    to = asked.to
    language = languages.asked_for(request.scope)
    page = SignInPage(
        language=language,
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
    own = {**pages.headers(to.origin), "Content-Language": language.tag}
    return Response(shown, status, {**headers, **own}, "text/html")


ERRORS: Final[Mapping[str, FormError]] = {
    "INVALID_EMAIL_OR_PASSWORD": FormError("wrong_password", "password"),
    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL": FormError("email_taken", "email"),
    "INVALID_EMAIL": FormError("email_unusable", "email"),
    "EMAIL_PASSWORD_SIGN_UP_DISABLED": FormError("sign_up_closed"),
    "ANONYMOUS_SIGN_IN_DISABLED": FormError("no_guests"),
    "PASSWORD_TOO_SHORT": FormError("password_short", "password"),
    "PASSWORD_TOO_LONG": FormError("password_long", "password"),
    "PASSWORD_COMMON": FormError("password_common", "password"),
    "INVALID_PASSWORD_CHARACTERS": FormError("password_unusable", "password"),
    "INVALID_PROFILE": FormError("name_unusable", "name"),
    "BANNED_USER": FormError("closed_account"),
    "TWO_FACTOR_REQUIRED": FormError("second_factor"),
    "too_many_requests": FormError("too_many"),
}


def _told(error: Exception) -> tuple[int, FormError, Mapping[str, str]]:
    """The message for the reader, with the status and headers of the answer."""
    if isinstance(error, HashingBusy):
        return 503, _RETRY, {"Retry-After": str(error.retry_after)}
    if isinstance(error, StoreUnavailable | AccountsUnavailable):
        return 503, _RETRY, {"Retry-After": "1"}
    if isinstance(error, InvalidProfile):
        return 400, ERRORS["INVALID_PROFILE"], {}
    if isinstance(error, PasswordRefused | InvalidEmail):
        return 400, ERRORS[error.code], {}
    if isinstance(error, Problem) and not isinstance(error, OAuthError):
        return error.status, ERRORS.get(error.code, _RETRY), error.headers
    raise error
