"""The signing keys: made once for all brokers, private parts encrypted at rest, public parts published."""

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker import audit
from broker.signing import record as ring
from broker.signing.record import KeyStore, Members, Offer, SealedRing

RSA_BITS: Final = 2048
_NONCE: Final = 12
_INFO: Final = b"chatgate signing keys"
_FINGERPRINT_INFO: Final = b"chatgate secret fingerprint"
_FINGERPRINT: Final = 6
_READS: Final = 3
"""Reads of a ring that other brokers change meanwhile, before the latest read is used as it is."""
_ALGORITHMS: Final[Mapping[str, type[jwt.algorithms.Algorithm]]] = {
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
    "RS256": jwt.algorithms.RSAAlgorithm,
}
_EVENTS: Final[Mapping[str, str]] = {
    "made": audit.KEY_MADE,
    "promoted": audit.KEY_PROMOTED,
    "expired": audit.KEY_EXPIRED,
}


class UnreadableKey(Exception):
    """A key in Redis was encrypted under a secret that is not configured, or its record is damaged."""

    def __init__(self, kid: str, fingerprint: str, known: Sequence[str]) -> None:
        mend = (
            "run `chatgate keys retire --unreadable` to do without the key, which ends the tokens it signed"
        )
        if not fingerprint or fingerprint in known:
            super().__init__(f"the record of the signing key {kid} in Redis is damaged: {mend}")
            return
        super().__init__(
            f"the signing key {kid} in Redis was encrypted under the secret {fingerprint}, and the "
            f"configured ones are {', '.join(known)} (fingerprints): put that secret into "
            f"broker.previous_secrets, or {mend}"
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
    """The keys in memory. `version` rises with every change; `current` signs, and was published at
    `signs_since` (Redis ms). `is_whole` is False if a published key cannot be read here."""

    version: int
    current: SigningKey
    published: tuple[Mapping[str, str], ...]
    signs_since: int
    is_whole: bool = True

    def jwks(self) -> bytes:
        return json.dumps({"keys": list(self.published)}, separators=(",", ":")).encode()


class KeyCipher:
    """AES-256-GCM under keys derived from the broker's secrets: the first seals, each opens. The kid and the
    algorithm are authenticated with the key."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._ciphers = {fingerprint(one): AESGCM(_derived(one, _INFO, 32)) for one in secrets}
        self.newest = fingerprint(secrets[0])

    def seal(self, key: SigningKey) -> str:
        private = key.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._ciphers[self.newest].encrypt(nonce, private, _bound(key.kid, key.alg))
        record = {"alg": key.alg, "secret": self.newest, "private": base64.b64encode(sealed).decode()}
        return json.dumps(record)

    def knows(self, fingerprint: str) -> bool:
        return fingerprint in self._ciphers

    def open(self, kid: str, sealed: str) -> SigningKey:
        """Decrypt a key. Raises UnreadableKey."""
        record = ring.record(sealed)
        cipher = self._ciphers.get(record.secret)
        try:
            if cipher is None:
                raise InvalidTag
            raw = base64.b64decode(record.private)
            private = cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound(kid, record.alg))
            return _signing_key(kid, record.alg, serialization.load_der_private_key(private, None))
        except (InvalidTag, ValueError):
            raise UnreadableKey(kid, record.secret, list(self._ciphers)) from None


def fingerprint(secret: bytes) -> str:
    """A short hash that identifies a secret without revealing it."""
    return _derived(secret, _FINGERPRINT_INFO, _FINGERPRINT).hex()


def _derived(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=info).derive(secret)


def _bound(kid: str, alg: str) -> bytes:
    return f"{kid} {alg}".encode()


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


def sealed_new(cipher: KeyCipher, alg: str) -> tuple[str, str]:
    """A new key, as kid and sealed text."""
    key = generate(alg)
    return key.kid, cipher.seal(key)


class Keys:
    """The ring in memory, renewed by `refresh`; None until the first one succeeded.

    A key that was opened once is kept by its kid, so that changing a secret elsewhere stops no running
    broker.
    """

    def __init__(self, store: KeyStore, secrets: Sequence[bytes], alg: str) -> None:
        self._store = store
        self._cipher = KeyCipher(secrets)
        self._alg = alg
        self._declares = True
        self._floor = 0
        # The ring to write when Redis has none. Never the old one: Redis may have forgotten that a key was
        # retired, and as it has forgotten the sessions too, no token of the old keys is valid.
        self._seed: Members = {}
        self._fresh: tuple[str, str] | None = None
        self._opened: dict[str, SigningKey] = {}
        self._resealed: set[str] = set()
        self._reading = asyncio.Lock()
        self._begun = self._done = 0
        self.ring: Ring | None = None

    def find(self, kid: str) -> SigningKey | None:
        """A key that is published, whether or not it still signs."""
        return self._opened.get(kid)

    async def refresh(self) -> Ring:
        """Look after the ring, and read it. Raises StoreUnavailable, UnreadableKey.

        Callers that wait for a read which has not begun share it.
        """
        asked = self._begun
        async with self._reading:
            if self._done <= asked:
                self._begun += 1
                await self._refresh()
                self._done = self._begun
            assert self.ring is not None  # noqa: S101  nothing was raised, so every key was read
            return self.ring

    async def _refresh(self) -> None:
        for _ in range(_READS):
            found = await self._tend()
            # Published before it is used: no token of a key that verifiers do not know leaves this broker.
            self._floor = await self._store.publish(found.version, found.kids())
            if self._floor <= found.version:
                break
        unreadable = self._open(found)
        await self._reseal(found)
        if unreadable is not None:
            raise unreadable

    async def _tend(self) -> SealedRing:
        fresh = self._fresh or await self._new()
        self._fresh = fresh
        seed = self._seed or ring.first(await self._new(), await self._new(), self._alg)
        tended = await self._store.tend(Offer(self._alg, self._declares, self._floor, seed, fresh))
        self._declares = False
        self._seed = {} if f"key:{seed['current']}" in tended.members else seed
        if f"key:{fresh[0]}" in tended.members:
            self._fresh = None
        for event, kid in tended.events:
            audit.record(_EVENTS[event], kid=kid)
        found = ring.parse(tended.members)
        assert found is not None  # noqa: S101  `tend` leaves a ring behind
        return found

    async def _new(self) -> tuple[str, str]:
        # Making an RSA key takes a tenth of a second, for which the event loop must not wait.
        return await asyncio.to_thread(sealed_new, self._cipher, self._alg)

    def _open(self, found: SealedRing) -> UnreadableKey | None:
        """Open the keys of a ring and keep them; returns the error of the first unreadable one, if any."""
        unreadable: list[UnreadableKey] = []
        opened: dict[str, SigningKey] = {}
        for key in found.keys:
            try:
                opened[key.kid] = self._opened.get(key.kid) or self._cipher.open(key.kid, key.sealed)
            except UnreadableKey as error:
                unreadable.append(error)
        for kid in self._opened.keys() - {key.kid for key in found.keys}:
            audit.record(audit.KEY_GONE, kid=kid)
        self._opened = opened
        current = opened.get(found.keys[0].kid)
        signed_by = None if self.ring is None else self.ring.current.kid
        # If the signing key is unreadable there is no ring: another key's tokens would become invalid too
        # early.
        published = tuple(one.public for one in opened.values())
        since = found.keys[0].since
        self.ring = (
            None if current is None else Ring(found.version, current, published, since, not unreadable)
        )
        if current is not None and signed_by != current.kid:
            audit.record(audit.SIGNING_KEY_CHANGED, kid=current.kid, alg=current.alg)
        return unreadable[0] if unreadable else None

    async def _reseal(self, found: SealedRing) -> None:
        """Seal anew the keys that an older secret sealed. Each key once: two brokers whose secrets are in
        another order, as during a change of secrets, would otherwise take turns for ever."""
        for key in found.keys:
            is_old = key.fingerprint != self._cipher.newest and self._cipher.knows(key.fingerprint)
            if not is_old or key.kid in self._resealed or key.kid not in self._opened:
                continue
            self._resealed.add(key.kid)
            sealed = self._cipher.seal(self._opened[key.kid])
            if await self._store.reseal(key.kid, key.sealed, sealed):
                audit.record(audit.KEY_RESEALED, kid=key.kid, secret=self._cipher.newest)
