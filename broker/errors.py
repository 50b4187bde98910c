"""Errors of the Better Auth API: `{message, code}`, with its own codes where it has one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Scope

from broker.accounts import AccountsError, AccountsUnavailable
from broker.keys import UnreadableKey
from broker.passwords import HashingBusy, PasswordRefused
from edge.problems import Problem, render, unavailable

BASE_PATH: Final = "/api/auth"

_OWN_NAMES: Final = {
    "origin_not_allowed": ("INVALID_ORIGIN", "Invalid origin"),
    "unauthenticated": ("UNAUTHORIZED", "Unauthorized"),
}


class APIError(Problem):
    """An error that Better Auth names: `code` as it spells it, upper-case."""


class Unauthorized(APIError):
    """There is no session where one is needed."""

    def __init__(self) -> None:
        super().__init__(401, "UNAUTHORIZED", "Unauthorized")


def too_many(retry_after: int, detail: str) -> Problem:
    """429; `retry_after` in seconds. Better Auth's client reads X-Retry-After."""
    headers = {"Retry-After": str(retry_after), "X-Retry-After": str(retry_after)}
    return Problem(429, "too_many_requests", detail, headers)


def respond(scope: Scope, problem: Problem) -> Response:
    """Better Auth's form below its base path, problem+json elsewhere."""
    if not f"{scope['path']}/".startswith(f"{BASE_PATH}/"):
        return render(problem)
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status in (404, 405) and not isinstance(problem, APIError):
        # As its router answers an unknown path or method: nothing, and no content type.
        return Response(status_code=404, headers={"Cache-Control": "no-store"})
    code, message = _OWN_NAMES.get(problem.code, (problem.code.upper(), problem.detail))
    body = orjson.dumps({"message": message, "code": code})
    return Response(body, problem.status, headers, "application/json")


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
