"""Credentials from the Authorization header and from nowhere else (RFC 6750 2.1; OAuth 2.1)."""

import re
from typing import Final

from starlette.datastructures import Headers

from edge.problems import Problem

_CREDENTIALS = re.compile(r"(?i:bearer) ([\x21-\x7e]+)")
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CHALLENGE: Final = "Bearer"


def bearer_token(headers: Headers) -> str | None:
    """The token that follows `Bearer`; None when the header is absent or of another scheme.

    Raises Problem 400 invalid_request for two headers or a header that is not one scheme, one space and
    one word of visible ASCII.
    """
    found = headers.getlist("authorization")
    if not found:
        return None
    if len(found) > 1:
        raise _malformed("Send one Authorization header.")
    match = _CREDENTIALS.fullmatch(found[0])
    if match is not None:
        return match.group(1)
    scheme = _SCHEME.match(found[0])
    if scheme is None or scheme.group().lower() == "bearer" or not found[0].isascii() or "\0" in found[0]:
        raise _malformed("The Authorization header is not `Bearer` and one token.")
    return None


def unauthenticated(detail: str = "Send a bearer token.") -> Problem:
    """401 for a request without credentials; RFC 6750 3.1 wants no error code in its challenge."""
    return Problem(401, "unauthenticated", detail, {"WWW-Authenticate": CHALLENGE})


def invalid_token() -> Problem:
    """401 for a token that is malformed, expired, revoked or not ours; which of these is not said."""
    return Problem(
        401,
        "invalid_token",
        "The token is not valid, or no longer. Get a new one from the broker.",
        {"WWW-Authenticate": f'{CHALLENGE} error="invalid_token"'},
    )


def _malformed(detail: str) -> Problem:
    challenge = f'{CHALLENGE} error="invalid_request"'
    return Problem(400, "invalid_request", detail, {"WWW-Authenticate": challenge})
