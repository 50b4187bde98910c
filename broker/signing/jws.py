"""Compact JWS of the broker's own keys (RFC 7515 3.1).

PyJWT signs, and the rest is done here: its `encode` judges and writes the header anew for each token, which
costs as much as the signature.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from jwt.algorithms import get_default_algorithms

from broker.signing.keyring import SigningKey

_ALGORITHMS: Final = get_default_algorithms()


def signed(key: SigningKey, payload: Mapping[str, Any], typ: str) -> str:
    """A JWT of the type `typ`; `payload` has its claims, all of them JSON values."""
    signing_input = _header(key.alg, key.kid, typ) + b"." + _base64url(orjson.dumps(payload))
    signature = _ALGORITHMS[key.alg].sign(signing_input, key.private)
    return (signing_input + b"." + _base64url(signature)).decode()


@lru_cache(maxsize=16)
def _header(alg: str, kid: str, typ: str) -> bytes:
    return _base64url(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
