"""CORS around everything, so that a 413, a 500 or a 503 can be read by the page that asked.

Written here because Starlette's middleware sits inside its error handler and, with credentials, echoes
any origin for `*`; ours knows exact origins only, and stops what a refused origin asks for.
"""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.problems import Problem, render

ALLOW_METHODS: Final = "GET, POST, DELETE"
ALLOW_HEADERS: Final = "Authorization, Content-Type, DPoP"
MAX_AGE: Final = "600"
"""Seconds; Chromium caps a preflight's life at two hours."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def refused() -> Problem:
    """403. Made anew each time: an exception that is raised again and again keeps all its tracebacks."""
    return Problem(403, "origin_not_allowed", "This site is not registered here.")


class CORS:
    """Wraps `app`. `allowed` judges one Origin value, compared as sent: no case folding, no patterns.

    `respond` words a refusal as the service words its other errors. `is_page` names the paths that browsers
    are navigated to: no script of another origin may read them, and they judge themselves who posts to them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Callable[[str], bool],
        exposed: str,
        respond: Callable[[Scope, Problem], Response] = lambda _scope, problem: render(problem),
        is_page: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._app = app
        self._respond = respond
        self._allowed = allowed
        self._exposed = exposed
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origins = headers.getlist("origin")
        origin = origins[0] if len(origins) == 1 and self._allowed(origins[0]) else None

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message), origin)
            await send(message)

        if origins and origin is None and scope["method"] not in SAFE:
            await self._respond(scope, refused())(scope, receive, send_with_cors)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(scope, origin)(scope, receive, send_with_cors)
        else:
            await self._app(scope, receive, send_with_cors)

    def _mark(self, headers: MutableHeaders, origin: str | None) -> None:
        # Always: a shared cache must not hand one site's answer to another.
        headers.add_vary_header("Origin")
        if origin is not None:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = self._exposed

    def _preflight(self, scope: Scope, origin: str | None) -> ASGIApp:
        if origin is None:
            return self._respond(scope, refused())
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": ALLOW_METHODS,
                "Access-Control-Allow-Headers": ALLOW_HEADERS,
                "Access-Control-Max-Age": MAX_AGE,
            },
        )
