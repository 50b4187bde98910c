"""The encodings that a secret may be written in: octets, and text in them."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

MIN_ASCII: Final = 16
MIN_UNICODE: Final = 24
"""Octets. Random octets are text of this length once in eight million times, and longer text more rarely."""
_PREFIX: Final = re.compile(r"(?:base64|hex|sha256|sha512|md5)[:=]|0x")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_BASE32: Final = re.compile(r"[A-Z2-7]+=*")


def bare(secret: str) -> str:
    """The secret stripped of the name of its encoding, which Laravel writes before a key."""
    found = _PREFIX.match(secret)
    return secret[found.end() :] if found else secret


def octets(secret: str) -> Iterator[bytes]:
    """The octets that the secret encodes as hex, base64, base64url or base32."""
    for decode in (_from_hex, _from_base64, _from_base32):
        try:
            yield decode(bare(secret))
        except (ValueError, binascii.Error):
            continue


def text(secret: str) -> str | None:
    """The text that the secret encodes; None where it encodes none."""
    for raw in octets(secret):
        try:
            found = raw.decode()
        except UnicodeDecodeError:
            continue
        if len(raw) >= (MIN_ASCII if found.isascii() else MIN_UNICODE) and found.isprintable():
            return found
    return None


def _from_hex(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise ValueError
    return bytes.fromhex(text)


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _from_base32(text: str) -> bytes:
    if not _BASE32.fullmatch(text):
        raise ValueError
    plain = text.rstrip("=")
    return base64.b32decode(plain + "=" * (-len(plain) % 8))
