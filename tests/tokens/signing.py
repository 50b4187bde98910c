"""A key set, and tokens of any bytes signed with its keys."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

ISSUER, AUDIENCE = "https://auth.example.org", "https://chat.example.org"
NOW = 1_796_000_000
PAYLOAD = {
    "iss": ISSUER,
    "sub": "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz",
    "aud": AUDIENCE,
    "client_id": "docs",
    "iat": NOW,
    "exp": NOW + 300,
    "jti": "Zk1f8oQm",
    "sid": "s-4tq0",
    "scope": "chat",
    "tier": "reader",
}
HEADER = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}
SIGNING = ec.generate_private_key(ec.SECP256R1())
OTHER = ed25519.Ed25519PrivateKey.generate()


def jwk(private: Any, kid: str, alg: str) -> dict[str, Any]:
    algorithm = jwt.algorithms.ECAlgorithm if alg == "ES256" else jwt.algorithms.OKPAlgorithm
    return {**algorithm.to_jwk(private.public_key(), as_dict=True), "kid": kid, "alg": alg, "use": "sig"}


JWKS = json.dumps({"keys": [jwk(SIGNING, "k1", "ES256"), jwk(OTHER, "k2", "EdDSA")]}).encode()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(
    payload: Mapping[str, Any] | bytes = PAYLOAD,
    header: Mapping[str, Any] | bytes = HEADER,
    key: Any = SIGNING,
) -> str:
    """Signs whatever bytes or object it is given, so that only the rule under test can refuse it."""
    head, body = (
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)
    )
    text = f"{b64(head)}.{b64(body)}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = jwt.algorithms.OKPAlgorithm().sign(text.encode(), key)
    else:
        es256 = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        signature = es256.sign(text.encode(), key)
    return f"{text}.{b64(signature)}"
