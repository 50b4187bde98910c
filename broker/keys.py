"""The signing keys: made once for all brokers, private parts encrypted at rest, public parts published."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RSA_BITS: Final = 2048
_NONCE: Final = 12
_INFO: Final = b"chatgate signing keys"
_ALGORITHMS: Final[Mapping[str, type[jwt.algorithms.Algorithm]]] = {
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
    "RS256": jwt.algorithms.RSAAlgorithm,
}


class UnreadableKey(Exception):
    """The key in Redis was encrypted under another secret."""

    def __init__(self) -> None:
        super().__init__(
            "the signing key in Redis cannot be decrypted with this secret: set broker.secret to the one it "
            "was made with, or delete the key cg:keys to have a new one made (every token then ends)"
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`private` signs; `public` is its JWK with `kid`, `alg` and `use`."""

    kid: str
    alg: str
    private: Any
    public: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys as they stand in Redis. `version` rises with every change; `current` signs."""

    version: int
    current: SigningKey
    published: tuple[Mapping[str, str], ...]

    def kids(self) -> str:
        return ",".join(key["kid"] for key in self.published)

    def jwks(self) -> bytes:
        return json.dumps({"keys": list(self.published)}, separators=(",", ":")).encode()


class KeyStore(Protocol):
    """Keeps encrypted keys, and the list of key ids that may still verify beside the cuts."""

    async def ensure(self, kid: str, alg: str, sealed: str) -> Mapping[str, str]:
        """The ring after offering a key, which is taken when no current one has `alg`: of many brokers that
        offer at once one is heard. Members: `version`, `current`, and the sealed key of each `kid`."""

    async def publish(self, version: int, kids: str) -> None:
        """Name the `kids` that may verify, unless a later version is there. Where no cut is, one is set to
        the present: every earlier session is dead rather than revived."""


class KeyCipher:
    """AES-256-GCM under a key derived from the broker's secret; the kid is bound in."""

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret)
        self._cipher = AESGCM(derived)

    def seal(self, key: SigningKey) -> str:
        private = key.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, private, key.kid.encode())
        return json.dumps({"alg": key.alg, "private": base64.b64encode(sealed).decode()})

    def open(self, kid: str, sealed: str) -> SigningKey:
        """Raises UnreadableKey."""
        record = json.loads(sealed)
        raw = base64.b64decode(record["private"])
        try:
            private = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], kid.encode())
        except InvalidTag:
            raise UnreadableKey from None
        return _signing_key(kid, record["alg"], serialization.load_der_private_key(private, None))


def generate(alg: str) -> SigningKey:
    private: Any
    if alg == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    elif alg == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(65537, RSA_BITS)
    return _signing_key(secrets.token_urlsafe(12), alg, private)


def _signing_key(kid: str, alg: str, private: Any) -> SigningKey:
    jwk = json.loads(_ALGORITHMS[alg].to_jwk(private.public_key()))
    jwk.pop("key_ops", None)
    return SigningKey(kid, alg, private, {**jwk, "kid": kid, "alg": alg, "use": "sig"})


class Keys:
    """The ring at hand, renewed by `refresh`; None until the first one succeeded."""

    def __init__(self, store: KeyStore, secret: bytes, alg: str) -> None:
        self._store = store
        self._cipher = KeyCipher(secret)
        self._alg = alg
        # What this broker offers when no ring is there: after a Redis that came back empty, its own again.
        self._offer = generate(alg)
        self._sealed_offer = self._cipher.seal(self._offer)
        self._opened: dict[str, SigningKey] = {}
        self.ring: Ring | None = None

    async def refresh(self) -> Ring:
        """Read the ring, or make it. Raises StoreUnavailable, UnreadableKey."""
        members = await self._store.ensure(self._offer.kid, self._alg, self._sealed_offer)
        version, current = int(members["version"]), members["current"]
        if self.ring is None or (self.ring.version, self.ring.current.kid) != (version, current):
            sealed = {kid: text for kid, text in members.items() if kid not in ("version", "current")}
            opened = {kid: self._cipher.open(kid, text) for kid, text in sealed.items()}
            self.ring = Ring(version, opened[current], tuple(one.public for one in opened.values()))
        if self.ring.current.kid != self._offer.kid:
            self._offer, self._sealed_offer = self.ring.current, members[current]
        await self._store.publish(version, self.ring.kids())
        return self.ring
