"""The broker's errors, each in the form of what answers: Better Auth's API, OAuth, a page, or a problem."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Scope

from broker import pages
from broker.accounts import AccountsError, AccountsUnavailable
from broker.keys import UnreadableKey
from broker.passwords import HashingBusy, PasswordRefused
from edge.problems import Problem, render, unavailable

BASE_PATH: Final = "/api/auth"
OAUTH: Final = "/oauth2/"
AUTHORIZE: Final = "/oauth2/authorize"
LOGIN: Final = "/login"

_TITLES: Final = {
    400: "This link does not work",
    403: "This was not sent from here",
    404: "There is nothing here",
    405: "This page cannot be opened like that",
    503: "Not possible at the moment",
}
"""What a reader is told on a page; the detail below it is for whoever made the link."""
_OAUTH_NAMES: Final = {403: "unauthorized_client", 500: "server_error", 503: "temporarily_unavailable"}

_OWN_NAMES: Final = {
    "origin_not_allowed": ("INVALID_ORIGIN", "Invalid origin"),
    "unauthenticated": ("UNAUTHORIZED", "Unauthorized"),
}


class APIError(Problem):
    """An error that Better Auth names: `code` as it spells it, upper-case."""


class OAuthError(Problem):
    """An error response of RFC 6749 5.2 or of a standard that builds on it. `description` begins with the
    parameter that is at fault, where one is, and has no quotation mark or backslash (RFC 6749 A.8)."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, error, description, headers)


class Unauthorized(APIError):
    """There is no session where one is needed."""

    def __init__(self) -> None:
        super().__init__(401, "UNAUTHORIZED", "Unauthorized")


def too_many(retry_after: int, detail: str) -> Problem:
    """429; `retry_after` in seconds. Better Auth's client reads X-Retry-After."""
    headers = {"Retry-After": str(retry_after), "X-Retry-After": str(retry_after)}
    return Problem(429, "too_many_requests", detail, headers)


def is_page(path: str) -> bool:
    """Whether a browser is navigated there, and no script of another site may read it."""
    return path == AUTHORIZE or f"{path}/".startswith(f"{LOGIN}/")


def respond(scope: Scope, problem: Problem) -> Response:
    """In the form that callers of the path read."""
    path = scope["path"]
    if f"{path}/".startswith(f"{BASE_PATH}/"):
        return _better_auth(problem)
    if is_page(path):
        return _page(problem)
    if path.startswith(OAUTH):
        return _oauth(problem)
    return render(problem)


def _better_auth(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status in (404, 405) and not isinstance(problem, APIError):
        # As its router answers an unknown path or method: nothing, and no content type.
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    code, message = _OWN_NAMES.get(problem.code, (problem.code.upper(), problem.detail))
    body = orjson.dumps({"message": message, "code": code})
    return Response(body, problem.status, headers, "application/json")


def _oauth(problem: Problem) -> Response:
    error = problem.code
    if not isinstance(problem, OAuthError):
        error = _OAUTH_NAMES.get(problem.status, "invalid_request")
    body = orjson.dumps({"error": error, "error_description": problem.detail})
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **problem.headers}
    return Response(body, problem.status, headers, "application/json")


def _page(problem: Problem) -> Response:
    title = _TITLES.get(problem.status, "This did not work")
    headers = {**problem.headers, **pages.headers(None)}
    return Response(pages.error_page(title, problem.detail), problem.status, headers, "text/html")


def _refused(error: PasswordRefused | AccountsError) -> Problem:
    return APIError(400, error.code, str(error))


def _busy(error: HashingBusy) -> Problem:
    return unavailable("Too many sign-ins at once. Try again shortly.", error.retry_after)


def _no_accounts(_: AccountsUnavailable) -> Problem:
    return unavailable("Accounts cannot be read at the moment. Try again shortly.")


def _no_keys(_: UnreadableKey) -> Problem:
    return unavailable("The signing keys cannot be read. The broker's log says why.")


TRANSLATIONS: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    PasswordRefused: _refused,
    AccountsError: _refused,
    AccountsUnavailable: _no_accounts,
    HashingBusy: _busy,
    UnreadableKey: _no_keys,
}
