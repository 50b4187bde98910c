"""How the name of a foreign session is sealed in our record of a session: broker and proxy both open it.

The record is in Redis, and the key in the access token alone (claim `upk`): neither a reader of Redis nor the
holder of a token learns the session token of the site's Better Auth server.
"""

import base64
import binascii
import re
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 16
KEY: Final = re.compile(r"[A-Za-z0-9_-]{22}")
"""The form of a key in the claim: base64url, unpadded."""
MAX_SEALED: Final = 1024
_NONCE_BYTES: Final = 12


def seal(key: bytes, content: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _encoded(nonce + AESGCM(key).encrypt(nonce, content, None))


def unseal(key: bytes, sealed: str) -> bytes | None:
    """None when the key is another's or the text was changed."""
    try:
        raw = _decoded(sealed) if len(sealed) <= MAX_SEALED else b""
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return None


def key_text(key: bytes) -> str:
    """The key as the claim has it."""
    return _encoded(key)


def key_of(text: str) -> bytes:
    """The inverse of `key_text`, for text that KEY matches."""
    return _decoded(text)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("no base64url") from None
