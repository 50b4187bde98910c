"""The middleware of both applications: a request id, CORS on every answer, and an answer to every error."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.http import request_id
from edge.http.cors import ALLOW_HEADERS, CORS, Field
from edge.http.problems import Problem, render, unavailable
from edge.telemetry import logs
from edge.unavailable import Unavailable

Respond = Callable[[Scope, Problem], Response]
"""Renders a Problem in the service's form; a path may have its own form of errors."""
Fields = Callable[[Scope], Iterable[Field]]
"""Further header fields of every answer to a request, error or not."""

_log = structlog.get_logger()

_CLASSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx")
_ROUTING: Final = {
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This path does not take that method; Allow names those it takes."),
}
Translate = Callable[[Any], Problem]


def plain(_scope: Scope, problem: Problem) -> Response:
    return render(problem)


def as_problem(error: Exception) -> Problem:
    """The Problem that answers an exception which an endpoint of either service raised."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return unavailable("Sessions cannot be checked at the moment. Try again shortly.")
    if isinstance(error, HTTPException):
        code, detail = _ROUTING.get(error.status_code, ("bad_request", "The request cannot be read."))
        return Problem(error.status_code, code, detail, error.headers)
    if isinstance(error, RequestValidationError):
        return Problem(422, "invalid_request", "A parameter is missing or not of its type.")
    return Problem(500, "internal_error", "The server failed. The request id names the log line.")


def with_middleware(
    app: FastAPI,
    *,
    allowed: Callable[[str], bool],
    exposed: str,
    respond: Respond = plain,
    translations: Mapping[type[Exception], Translate] = MappingProxyType({}),
    direct: Mapping[tuple[str, str], ASGIApp] = MappingProxyType({}),
    is_page: Callable[[str], bool] = lambda _path: False,
    fields: Fields = lambda _scope: (),
    responses: Counter[str] | None = None,
    allow_headers: str = ALLOW_HEADERS,
) -> ASGIApp:
    """Wrap a FastAPI application; `allowed` judges an Origin, `exposed` lists headers scripts may read.

    `translations` maps a service's own exceptions to Problems. `direct` has the applications that serve a
    method and path past FastAPI's layers, with the same answers to errors: eight layers called for each event
    of a stream, and their frames for as long as it runs, cost more than passing the event on. `is_page` is as
    in CORS. `responses` counts the answers by class of status.
    """
    ours = (Problem, Unavailable, HTTPException, RequestValidationError, Exception)
    for kind, translate in {**dict.fromkeys(ours, as_problem), **translations}.items():
        app.add_exception_handler(kind, _handler(respond, translate))

    def answer_to(scope: Scope, error: Exception) -> Response:
        found = next((translations[kind] for kind in type(error).__mro__ if kind in translations), as_problem)
        return respond(scope, found(error))

    cors = CORS(
        allowed=allowed, exposed=exposed, respond=respond, is_page=is_page, allow_headers=allow_headers
    )
    return _Middleware(
        app, direct, cors, fields, answer_to, Counter[str]() if responses is None else responses
    )


def _handler(respond: Respond, translate: Translate) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        return respond(request.scope, translate(error))

    return answer


class _Middleware:
    """One layer does it all, as each layer around an answer is called again for every piece of it.

    An error that is answered with a 500 is logged. One that cuts an answer short stays raised, so that the
    server closes the connection instead of ending the stream as if it were whole.
    """

    def __init__(
        self,
        app: ASGIApp,
        direct: Mapping[tuple[str, str], ASGIApp],
        cors: CORS,
        fields: Fields,
        answer_to: Callable[[Scope, Exception], Response],
        responses: Counter[str],
    ) -> None:
        self._app = app
        self._direct = direct
        self._cors = cors
        self._fields = fields
        self._answer_to = answer_to
        self._responses = responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = request_id.new()
        request_id.bind(name)
        about, answered = self._cors.enter(scope)
        begun, complete = False, False

        async def marked(message: Message) -> None:
            nonlocal begun, complete
            if message["type"] == "http.response.start":
                begun = True
                self._responses[_CLASSES[message["status"] // 100]] += 1
                own = (*about, (request_id.HEADER, name.encode()), *self._fields(scope))
                message["headers"] = [*message.get("headers", ()), *own]
            else:
                complete = not message.get("more_body", False)
            await send(message)

        served = answered or self._direct.get((scope["method"], scope["path"]))
        try:
            await (served or self._app)(scope, receive, marked)
        except Exception as error:
            if served is not None and not begun:
                answer = self._answer_to(scope, error)
                await answer(scope, receive, marked)
                if answer.status_code != 500:
                    return
            # FastAPI answers a 500 itself and raises it again.
            _log.error("unhandled", error=logs.where(error), route=scope["path"] if served else _route(scope))
            if not complete:
                raise


def _route(scope: Scope) -> str | None:
    """The path as it was declared: the text that a reader put into the path must not reach the log."""
    declared = getattr(scope.get("route"), "path", None)
    return declared if declared is None else str(declared)
