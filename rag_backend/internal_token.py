"""The proxy's token, which proves that the proxy admitted the question and that the body is unchanged.

It is HS256 under a secret that only the proxy and this backend know, and names no reader. See
docs/decisions/0002-backend-contract.md.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, Final

import jwt

from rag_backend import strict_json

TYPE: Final = "chatgate-internal+jwt"
ISSUER: Final = "chatgate-proxy"
MAX_TOKEN: Final = 4096
"""Characters. The proxy's tokens take some 330; a longer one is refused before it is decoded."""
MAX_LIFETIME: Final = 60
LEEWAY: Final = 5
"""Seconds by which the proxy's clock may be ahead of ours, or behind."""

_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
# The header must be exactly this, so tokens with kid, jwk, crit, b64 or zip fail here.
_HEADER: Final = {"alg": "HS256", "typ": TYPE}


class InvalidToken(Exception):
    """The request has no valid token of the proxy's for us; the message names the broken rule, for the log
    alone."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The claim of a valid token: the digest of the body that it was made for."""

    body_sha256: str

    def require_body(self, body: bytes) -> None:
        """Raises InvalidToken unless the token was made for exactly this body."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
        if not hmac.compare_digest(digest, self.body_sha256.encode("utf-8")):
            raise InvalidToken("the body is another")


def verify(authorization: list[str], secret: bytes, audience: str, now: float) -> Proof:
    """The proof in the Authorization headers of a request; `now` in seconds since the epoch.

    Raises InvalidToken.
    """
    if len(authorization) != 1 or len(authorization[0]) > MAX_TOKEN + len("Bearer "):
        raise InvalidToken("no token, more than one, or one too long")
    match = _BEARER.fullmatch(authorization[0])
    if match is None:
        raise InvalidToken("no bearer token in compact form")
    token = match[1]
    if _part(token) != _HEADER:
        raise InvalidToken("another header")
    try:
        payload = jwt.PyJWS().decode(token, secret, algorithms=["HS256"])
        claims = strict_json.loads(payload)
    except (jwt.PyJWTError, strict_json.NotStrictJSON):
        raise InvalidToken("a signature that is not the proxy's") from None
    return _judge(claims, audience, now)


def _part(token: str) -> Any:
    encoded = token.partition(".")[0]
    try:
        return strict_json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, strict_json.NotStrictJSON):
        return None


def _judge(claims: Any, audience: str, now: float) -> Proof:
    if not isinstance(claims, dict) or claims.get("iss") != ISSUER or claims.get("aud") != audience:
        raise InvalidToken("another issuer or audience")
    issued, expires = claims.get("iat"), claims.get("exp")
    # In Python bool is a subclass of int, and true is no time.
    if type(issued) is not int or type(expires) is not int or not 0 < expires - issued <= MAX_LIFETIME:
        raise InvalidToken("no lifetime of at most 60 seconds")
    if now >= expires + LEEWAY or issued > now + LEEWAY:
        raise InvalidToken("expired, or not yet issued")
    digest = claims.get("body_sha256")
    if not isinstance(digest, str):
        raise InvalidToken("no digest of a body")
    return Proof(digest)
