"""The keys under which the names of foreign sessions are sealed (tokens.sealing): one for each session."""

import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tokens import sealing

_INFO: Final = b"chatgate upstream sessions"


class Seals:
    """Seals with the first of `secrets`, and opens what any of them sealed. No key is stored."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret) for secret in secrets]

    def seal(self, sid: str, content: bytes) -> str:
        return sealing.seal(_of(self._keys[0], sid), content)

    def open(self, sid: str, sealed: str) -> tuple[str, bytes] | None:
        """The key, in the form that the claim `upk` has, and the content; None when no secret opens it."""
        for one in self._keys:
            key = _of(one, sid)
            content = sealing.unseal(key, sealed)
            if content is not None:
                return sealing.key_text(key), content
        return None


def _of(key: bytes, sid: str) -> bytes:
    return hmac.digest(key, sid.encode(), "sha256")[: sealing.KEY_BYTES]
