"""The broker's errors, each in the form of its endpoint: Better Auth's API, OAuth, a page, or a problem."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Scope

from broker.accounts.accounts import AccountsError, AccountsUnavailable
from broker.accounts.passwords import HashingBusy, PasswordRefused
from broker.login import languages, pages
from broker.signing.keyring import UnreadableKey
from edge.http.problems import Problem, render, unavailable
from edge.http.refused_bodies import TooManyRefused

BASE_PATH: Final = "/api/auth"
OAUTH: Final = "/oauth2/"
AUTHORIZE: Final = "/oauth2/authorize"
LOGIN: Final = "/login"

_PAGES: Final[Mapping[int, pages.ErrorName]] = {
    400: "link",
    403: "foreign",
    404: "nothing",
    405: "method",
    503: "busy",
}
_OAUTH_NAMES: Final = {
    403: "unauthorized_client",
    429: "temporarily_unavailable",
    500: "server_error",
    503: "temporarily_unavailable",
}

_OWN_NAMES: Final = {
    "origin_not_allowed": ("INVALID_ORIGIN", "Invalid origin"),
    "unauthenticated": ("UNAUTHORIZED", "Unauthorized"),
}
_OWN_CODES: Final = {"INVALID_ORIGIN": "origin_not_allowed", "MISSING_OR_NULL_ORIGIN": "origin_not_allowed"}


class APIError(Problem):
    """An error that Better Auth names: `code` as it spells it, upper-case."""


class OAuthError(Problem):
    """An error response of RFC 6749 5.2 or of a standard that builds on it. `description` begins with the
    parameter at fault, if there is one, and has no quotation mark or backslash (RFC 6749 A.8)."""

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
    """Return True if browsers navigate to the path, so that no script of another site may read it."""
    return path == AUTHORIZE or f"{path}/".startswith(f"{LOGIN}/")


def respond(scope: Scope, problem: Problem) -> Response:
    """Render a problem in the form that callers of the path read."""
    path = scope["path"]
    if f"{path}/".startswith(f"{BASE_PATH}/"):
        return _better_auth(problem)
    if is_page(path):
        return _page(scope, problem)
    if path.startswith(OAUTH):
        return _oauth(problem)
    return render(_own(problem))


def _own(problem: Problem) -> Problem:
    """The Problem under its code in docs/http.md, if one of Better Auth's rules refused the request."""
    if not isinstance(problem, APIError):
        return problem
    code = _OWN_CODES.get(problem.code, problem.code.lower())
    return Problem(problem.status, code, problem.detail, problem.headers)


def _better_auth(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status in (404, 405) and not isinstance(problem, APIError):
        # Better Auth's router answers an unknown path or method so: no body and no content type.
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


def _page(scope: Scope, problem: Problem) -> Response:
    language = languages.asked_for(scope)
    # OAuth's error descriptions are for developers; the page shows them for the reader to pass on.
    detail = problem.detail if isinstance(problem, OAuthError) else ""
    page = pages.error_page(language, _PAGES.get(problem.status, "failed"), detail)
    headers = {**problem.headers, **pages.headers(None), "Content-Language": language.tag}
    return Response(page, problem.status, headers, "text/html")


def _refused(error: PasswordRefused | AccountsError) -> Problem:
    return APIError(400, error.code, str(error))


def _busy(error: HashingBusy) -> Problem:
    return unavailable("Too many sign-ins at once. Try again shortly.", error.retry_after)


def _no_accounts(_: AccountsUnavailable) -> Problem:
    return unavailable("Accounts cannot be read at the moment. Try again shortly.")


def _no_keys(_: UnreadableKey) -> Problem:
    return unavailable("The signing keys cannot be read. The broker's log says why.")


def _too_many_refused(error: TooManyRefused) -> Problem:
    return too_many(math.ceil(error.retry_after), "Too many requests could not be read. Try again later.")


TRANSLATIONS: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    PasswordRefused: _refused,
    AccountsError: _refused,
    AccountsUnavailable: _no_accounts,
    HashingBusy: _busy,
    UnreadableKey: _no_keys,
    TooManyRefused: _too_many_refused,
}
