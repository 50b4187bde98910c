"""A DPoP key (RFC 9449) for one examination, which is never written anywhere."""

import base64
import hashlib
import json
import secrets

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def challenge(verifier: str) -> str:
    """RFC 7636 4.2, S256."""
    return encoded(hashlib.sha256(verifier.encode()).digest())


class Key:
    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        members = json.loads(ECAlgorithm.to_jwk(self._private.public_key()))
        self._jwk = {name: members[name] for name in ("crv", "kty", "x", "y")}
        canonical = json.dumps(self._jwk, sort_keys=True, separators=(",", ":"))
        self.thumbprint = encoded(hashlib.sha256(canonical.encode()).digest())
        """RFC 7638."""

    def proof(self, method: str, url: str, now: float, nonce: str = "", token: str = "") -> str:
        """A proof for one request, by the clock `now`; with `token`, for a request that has that token."""
        claims: dict[str, object] = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(now),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "jwk": self._jwk}
        return jwt.encode(claims, self._private, algorithm="ES256", headers=header)
