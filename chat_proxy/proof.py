"""The internal JWT that proves the proxy to a backend (docs/decisions/0002). It names no reader."""

import base64
import hashlib
import secrets
from typing import Final

import jwt

from chat_proxy.config import Backend

TYPE: Final = "chatgate-internal+jwt"
ISSUER: Final = "chatgate-proxy"
LIFETIME: Final = 60


def internal_token(backend: Backend, body: bytes, now: float) -> str:
    """For exactly this body; `now` in seconds since the epoch."""
    iat = int(now)
    claims = {
        "iss": ISSUER,
        "aud": backend.audience,
        "iat": iat,
        "exp": iat + LIFETIME,
        "jti": secrets.token_urlsafe(12),
        "body_sha256": base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode(),
    }
    return jwt.encode(claims, backend.secret, algorithm="HS256", headers={"typ": TYPE})
