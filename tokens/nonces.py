"""Nonces for DPoP proofs (RFC 9449 8, 9): they show how recent a proof is, by the server's own clock.

A nonce is good for every client until it expires, and no store keeps it: each machine that has the secret
makes the same one.
"""

import base64
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

EVERY: Final = 120
"""Seconds after which the nonce changes; the one before it, and that of a machine whose clock is ahead, are
still accepted."""
_BYTES: Final = 16
_INFO: Final = b"chatgate DPoP nonces"


class Nonces:
    """Makes nonces with the first of `secrets`, and accepts those of each."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret) for secret in secrets]

    def current(self, now: float) -> str:
        return _nonce(self._keys[0], int(now) // EVERY)

    def is_good(self, nonce: str, now: float) -> bool:
        turn = int(now) // EVERY
        return any(
            hmac.compare_digest(nonce.encode(), _nonce(key, near).encode())
            for near in (turn, turn - 1, turn + 1)
            for key in self._keys
        )


@lru_cache(maxsize=64)
def _nonce(key: bytes, turn: int) -> str:
    mac = hmac.digest(key, str(turn).encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:_BYTES]).rstrip(b"=").decode()
