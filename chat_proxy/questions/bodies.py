"""Request bodies: JSON in UTF-8, without a content coding and of a bounded length."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request

from chat_proxy.media_types import JSON
from edge.http.body_limit import MAX_BODY, read_body
from edge.http.problems import Problem
from tokens import strict_json

T = TypeVar("T")


async def read_json(request: Request, limit: int = MAX_BODY) -> Any:
    """The body's value. Raises Problem 400, 413 and 415."""
    _require_json(request.headers)
    try:
        return strict_json.loads(await read_body(request, limit))
    except strict_json.NotStrictJSON:
        raise Problem(400, "invalid_json", "Send one JSON value in UTF-8, each key once.") from None


async def read_by(parse: Callable[[Any], Generator[None, None, T]], request: Request) -> T:
    """Return `parse` of the body's value. Raises Problem 400, 413 and 415, and those of `parse`."""
    parsing = parse(await read_json(request))
    while True:
        try:
            next(parsing)
        except StopIteration as parsed:
            found: T = parsed.value
            return found
        await asyncio.sleep(0)


def _require_json(headers: Headers) -> None:
    found = headers.getlist("content-type")
    media_type, _, parameters = (found[0] if len(found) == 1 else "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != JSON or charset not in ("", "charset=utf-8"):
        raise Problem(415, "unsupported_media_type", "Send application/json in UTF-8.")
