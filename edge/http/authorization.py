"""Credentials from the Authorization header only (RFC 6750 2.1, RFC 9449 7.1; OAuth 2.1)."""

import re
from typing import Final, NamedTuple

from starlette.datastructures import Headers

from edge.http.problems import Problem

BEARER: Final = "bearer"
DPOP: Final = "dpop"
CHALLENGE: Final = "Bearer"

_CREDENTIALS = re.compile(r"((?i:bearer|dpop)) ([\x21-\x7e]+)")
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Credentials(NamedTuple):
    """A token as it was sent; `scheme` is BEARER or DPOP."""

    scheme: str
    token: str


def credentials(headers: Headers) -> Credentials | None:
    """The token that follows `Bearer` or `DPoP`; None when the header is absent or of another scheme.

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
        return Credentials(match.group(1).lower(), match.group(2))
    scheme = _SCHEME.match(found[0])
    if scheme is None or not found[0].isascii() or "\0" in found[0]:
        raise _malformed("The Authorization header is not a scheme and one token.")
    if scheme.group().lower() in (BEARER, DPOP):
        raise _malformed(f"The Authorization header is not `{scheme.group()}` and one token.")
    return None


def bearer_token(headers: Headers) -> str | None:
    """The token that follows `Bearer`, under the rules of `credentials`."""
    found = credentials(headers)
    return found.token if found is not None and found.scheme == BEARER else None


def unauthenticated(detail: str = "Send a bearer token.") -> Problem:
    """401 for a request without credentials; RFC 6750 3.1 wants no error code in the challenge."""
    return Problem(401, "unauthenticated", detail, {"WWW-Authenticate": CHALLENGE})


def invalid_token() -> Problem:
    """401 for a token that is malformed, expired, revoked or not ours; the answer does not say which."""
    return Problem(
        401,
        "invalid_token",
        "The token is not valid, or no longer. Get a new one from the broker.",
        {"WWW-Authenticate": f'{CHALLENGE} error="invalid_token"'},
    )


def _malformed(detail: str) -> Problem:
    challenge = f'{CHALLENGE} error="invalid_request"'
    return Problem(400, "invalid_request", detail, {"WWW-Authenticate": challenge})
