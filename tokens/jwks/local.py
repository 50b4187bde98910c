"""Parses a JSON Web Key Set (RFC 7517) into keys that each verify one algorithm."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from tokens import strict_json
from tokens.claims import ALGORITHMS

MAX_KEYS = 32
MAX_VALUES_OF_KEY = 32
MAX_BYTES = 65_536
MIN_RSA_BITS = 2048
KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEY_TYPE = {
    "ES256": ("EC", "P-256"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}


class BadKeySet(ValueError):
    """The document is not a set of public keys that we can use."""


@dataclass(frozen=True, slots=True)
class Key:
    kid: str
    alg: str
    public: PyJWK


KeySet = Mapping[str, Key]


def parse(document: bytes, *, algorithms: Collection[str] = ALGORITHMS, most: int = MAX_KEYS) -> KeySet:
    """Read a JWKS document of at most `most` keys into keys by `kid`.

    A key of an algorithm that is none of `algorithms` is skipped. Raises BadKeySet for a private part, a
    `kid` used twice, an algorithm that is not the key's own, a small RSA key, or a malformed document.
    """
    if len(document) > MAX_BYTES:
        raise BadKeySet("the key set is larger than 64 KiB")
    try:
        members = strict_json.loads(document, max_values=MAX_VALUES_OF_KEY * (most + 1))
    except strict_json.NotStrictJSON as error:
        raise BadKeySet(str(error)) from None
    entries = members.get("keys") if isinstance(members, dict) else None
    if not isinstance(entries, list) or not 0 < len(entries) <= most:
        raise BadKeySet(f"the key set needs 1 to {most} keys")
    found: dict[str, Key] = {}
    for entry in entries:
        key = _key(entry, algorithms)
        if key is None:
            continue
        if key.kid in found:
            raise BadKeySet("two keys share one kid")
        found[key.kid] = key
    return found


def _key(entry: Any, algorithms: Collection[str]) -> Key | None:
    if not isinstance(entry, dict):
        raise BadKeySet("a key is not an object")
    if _PRIVATE_MEMBERS & entry.keys():
        raise BadKeySet("a key has a private or symmetric part")
    alg, kid = entry.get("alg"), entry.get("kid")
    if not isinstance(alg, str) or alg not in algorithms or entry.get("use", "sig") != "sig":
        return None
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise BadKeySet("a key has no usable kid")
    # One key, one algorithm (RFC 8725 3.1): the type and curve must be the algorithm's own.
    kty, crv = _KEY_TYPE[alg]
    if entry.get("kty") != kty or entry.get("crv") != crv:
        raise BadKeySet("a key's type is not its algorithm's")
    try:
        public = PyJWK(entry, algorithm=alg)
    except (PyJWTError, ValueError, TypeError):
        raise BadKeySet("a key cannot be read") from None
    if kty == "RSA" and public.key.key_size < MIN_RSA_BITS:
        raise BadKeySet(f"an RSA key is smaller than {MIN_RSA_BITS} bits")
    return Key(kid, alg, public)
