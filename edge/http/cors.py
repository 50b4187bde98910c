"""CORS for every answer, so that the page that asked can read a 413, a 500 or a 503.

Starlette's middleware sits inside its error handler and, with credentials, echoes any origin for `*`. Ours
knows exact origins only, and answers a request of a refused origin itself.
"""

from collections.abc import Callable, Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from edge.http.problems import Problem, render

ALLOW_METHODS: Final = "GET, POST, DELETE"
ALLOW_HEADERS: Final = "Authorization, Content-Type, DPoP"
MAX_AGE: Final = "600"
"""Seconds; Chromium caps a preflight's life at two hours."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Field = tuple[bytes, bytes]
# Sent always: a shared cache must not give one site's answer to another.
_VARY: Final[Field] = (b"vary", b"Origin")


def refused() -> Problem:
    """403. Made anew each time: an exception that is raised repeatedly keeps all its tracebacks."""
    return Problem(403, "origin_not_allowed", "This site is not registered here.")


class CORS:
    """`allowed` judges one Origin value, compared as sent: no case folding, no patterns.

    `respond` words a refusal in the form of the service's other errors. `is_page` selects the paths that
    browsers navigate to: no script of another origin may read them, and their handlers judge the Origin of a
    POST. `allow_headers` lists the request headers that a page may send.
    """

    def __init__(
        self,
        *,
        allowed: Callable[[str], bool],
        exposed: str,
        respond: Callable[[Scope, Problem], Response] = lambda _scope, problem: render(problem),
        is_page: Callable[[str], bool] = lambda _path: False,
        allow_headers: str = ALLOW_HEADERS,
    ) -> None:
        self._allow_headers = allow_headers
        self._respond = respond
        self._allowed = allowed
        self._exposed = exposed.encode()
        self._is_page = is_page

    def enter(self, scope: Scope) -> tuple[Sequence[Field], ASGIApp | None]:
        """The header fields to add to the answer, and the answer itself where CORS answers in the
        application's place."""
        if self._is_page(scope["path"]):
            return (), None
        # ASGI's own list: each of Starlette's Headers is made anew, for every question and token.
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        origin = origins[0] if len(origins) == 1 and self._allowed(origins[0]) else None
        fields = self._fields(origin)
        if origins and origin is None and scope["method"] not in SAFE:
            return fields, self._respond(scope, refused())
        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            return fields, self._preflight(scope, origin)
        return fields, None

    def _fields(self, origin: str | None) -> Sequence[Field]:
        if origin is None:
            return (_VARY,)
        return (
            _VARY,
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", self._exposed),
        )

    def _preflight(self, scope: Scope, origin: str | None) -> ASGIApp:
        if origin is None:
            return self._respond(scope, refused())
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": ALLOW_METHODS,
                "Access-Control-Allow-Headers": self._allow_headers,
                "Access-Control-Max-Age": MAX_AGE,
            },
        )
