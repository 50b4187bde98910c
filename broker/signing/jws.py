"""Compact JWS of the broker's own keys (RFC 7515 3.1).

PyJWT's `encode` judges and writes the header anew for each token, which costs as much as the signature. So
only its algorithms are used, and for ES256 not even that: its conversions cost a tenth of the signature.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import get_default_algorithms

from broker.signing.keyring import SigningKey

_ALGORITHMS: Final = get_default_algorithms()
_ECDSA: Final = ec.ECDSA(hashes.SHA256())


def signed(key: SigningKey, payload: Mapping[str, Any], typ: str) -> str:
    """A JWT of the type `typ`; `payload` has its claims, all of them JSON values."""
    signing_input = _header(key.alg, key.kid, typ) + b"." + _base64url(orjson.dumps(payload))
    sign = _es256 if key.alg == "ES256" else _ALGORITHMS[key.alg].sign
    signature = sign(signing_input, key.private)
    return (signing_input + b"." + _base64url(signature)).decode()


def _es256(signing_input: bytes, private: ec.EllipticCurvePrivateKey) -> bytes:
    """The signature as RFC 7518 3.4 writes it: two numbers of 32 bytes."""
    r, s = decode_dss_signature(private.sign(signing_input, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@lru_cache(maxsize=16)
def _header(alg: str, kid: str, typ: str) -> bytes:
    return _base64url(orjson.dumps({"alg": alg, "kid": kid, "typ": typ}))


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
