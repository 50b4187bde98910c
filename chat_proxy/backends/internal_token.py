"""The internal JWT that authenticates the proxy to a backend (docs/decisions/0002). It names no reader."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

import orjson

from chat_proxy.config import Backend

TYPE: Final = "chatgate-internal+jwt"
ISSUER: Final = "chatgate-proxy"
LIFETIME: Final = 60


def internal_token(backend: Backend, body: bytes, now: float) -> str:
    """A token for exactly this body; `now` in seconds since the epoch."""
    iat = int(now)
    claims = {
        "iss": ISSUER,
        "aud": backend.audience,
        "iat": iat,
        "exp": iat + LIFETIME,
        "jti": secrets.token_urlsafe(12),
        "body_sha256": _base64url(hashlib.sha256(body).digest()).decode(),
    }
    # RFC 7515 5.1 in four lines: PyJWT checks each time whether the key might be a PEM file, and that check
    # costs more than all the rest of the token.
    signed = _HEADER + b"." + _base64url(orjson.dumps(claims))
    return (signed + b"." + _base64url(hmac.digest(backend.secret, signed, "sha256"))).decode()


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


_HEADER: Final = _base64url(orjson.dumps({"alg": "HS256", "typ": TYPE}))
