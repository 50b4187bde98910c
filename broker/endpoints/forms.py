"""Parameters of OAuth requests: `application/x-www-form-urlencoded`, each once, empty ones as if not sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from broker.errors import OAuthError
from edge.http.body_limit import read_body

MAX_BYTES: Final = 16_384
"""Bytes of a body or a query: two tokens of 4 KiB, a redirect URI and a state, all escaped."""
MAX_FIELDS: Final = 32
_BARE_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
FORM: Final = "application/x-www-form-urlencoded"


class RepeatedParameter(OAuthError):
    def __init__(self, name: str) -> None:
        super().__init__("invalid_request", f"{_shown(name)}: it was sent more than once")


async def read(request: Request) -> Mapping[str, str]:
    """The parameters of a body. Raises OAuthError `invalid_request`, Problem 413 and 415."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise OAuthError("invalid_request", f"Content-Type: send {FORM}")
    return parse(await read_body(request, MAX_BYTES))


def parse(raw: bytes) -> Mapping[str, str]:
    """Raises OAuthError: not UTF-8, too many, too long, or a parameter sent twice (RFC 6749 3.1, 3.2)."""
    if len(raw) > MAX_BYTES:
        raise OAuthError("invalid_request", "the request is too long")
    try:
        pairs = fields(raw, MAX_FIELDS)
    except ValueError:
        raise OAuthError("invalid_request", "the parameters cannot be read") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise RepeatedParameter(name)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def fields(raw: bytes, most: int) -> list[tuple[str, str]]:
    """Names and values, at most `most` of them. Raises ValueError, also for a percent sign that escapes
    nothing: `parse_qsl` keeps it, at ten times the cost of an escape."""
    if _BARE_PERCENT.search(raw):
        raise ValueError("a percent sign escapes nothing")
    return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)


def described(*required: str, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Describe the body for the OpenAPI document."""
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in (*required, *optional)},
        "required": list(required),
    }
    return {"requestBody": {"content": {FORM: {"schema": schema}}, "required": True}}


def _shown(name: str) -> str:
    # Only names of the form of a parameter's: an answer repeats nothing else of a request.
    return name if len(name) <= 32 and name.isascii() and name.replace("_", "").isalnum() else "a parameter"
