"""Errors as RFC 9457 problem+json with a stable `code`, rendered in one place. None echoes input."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Exception):
    """An answer other than success. `detail` says what is wrong and what to do, in our own words only.

    `type` is a registered problem type, where there is one, and `members` are its own.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        type: str = "about:blank",  # noqa: A002  RFC 9457 3.1.1
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.type = type
        self.members = dict(members or {})


def unavailable(detail: str, retry_after: int = 1) -> Problem:
    """503 for a dependency that gave no sure answer; `retry_after` in seconds."""
    return Problem(503, "temporarily_unavailable", detail, {"Retry-After": str(retry_after)})


def render(problem: Problem) -> Response:
    body = {
        "type": problem.type,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.members,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(orjson.dumps(body), problem.status, headers, MEDIA_TYPE)
