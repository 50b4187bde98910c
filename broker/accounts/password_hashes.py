"""The stored forms of a password: argon2id, of the broker's own database, and Better Auth's scrypt."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

import passlib.utils.handlers as uh
from passlib.context import CryptContext

MAX_STORED_HASH: Final = 512
"""A hash of ours has 97 characters and one of Better Auth 161; a longer string is not one of them."""

MAX_MEMORY_KIB: Final = 256 * 1024
MAX_PASSES: Final = 10
MAX_LANES: Final = 8
"""A stored hash names its own cost; above these it is an attack, or a row that was tampered with."""

ARGON2: Final = "argon2"
SCRYPT: Final = "better_auth_scrypt"

_ARGON2_FORM: Final = re.compile(
    r"\$argon2(?P<kind>id|i|d)\$v=(?P<version>16|19)"
    r"\$m=(?P<memory>[0-9]{1,10}),t=(?P<passes>[0-9]{1,10}),p=(?P<lanes>[0-9]{1,8})"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,128}"
)
_SCRYPT_FORM: Final = re.compile(r"([0-9a-f]{32}):([0-9a-f]{128})")


@dataclass(frozen=True, slots=True)
class Cost:
    """argon2id: memory in KiB, passes over it, lanes. The default is OWASP's 19 MiB shape."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class BetterAuthScrypt(uh.HasSalt, uh.GenericHandler):  # type: ignore[misc]
    """`<salt>:<key>` in hex. The salt is the 32 hex characters themselves, not the 16 bytes they spell."""

    name = SCRYPT
    setting_kwds = ("salt",)
    checksum_size = 128
    checksum_chars = uh.LC_HEX_CHARS
    min_salt_size = max_salt_size = 32
    salt_chars = uh.LC_HEX_CHARS
    _hash_regex = _SCRYPT_FORM

    @classmethod
    def from_string(cls, stored: str | bytes) -> "BetterAuthScrypt":
        match = _SCRYPT_FORM.fullmatch(uh.to_unicode(stored, "ascii", "hash"))
        if match is None:
            raise uh.exc.InvalidHashError(cls)
        return cls(salt=match[1], checksum=match[2])

    def to_string(self) -> str:
        return f"{self.salt}:{self.checksum}"

    def _calc_checksum(self, secret: str | bytes) -> str:
        raw = secret.encode() if isinstance(secret, str) else secret
        # scrypt needs 32 MiB, and OpenSSL's default limit is exactly that, without its overhead.
        key = hashlib.scrypt(
            raw, salt=self.salt.encode(), n=16384, r=16, p=1, dklen=64, maxmem=64 * 1024 * 1024
        )
        return key.hex()


def scheme_for(*, own_database: bool) -> str:
    """The scheme of new hashes. A Better Auth server on the same database reads no argon2id."""
    return ARGON2 if own_database else SCRYPT


def context_for(cost: Cost) -> CryptContext:
    return CryptContext(
        schemes=[ARGON2, BetterAuthScrypt],
        argon2__type="ID",
        argon2__memory_cost=cost.memory_kib,
        argon2__time_cost=cost.passes,
        argon2__parallelism=cost.lanes,
    )


def readable_scheme(stored: str) -> str | None:
    """ARGON2 or SCRYPT; `None` for a string that is no hash, or a hash that costs too much to compare."""
    if len(stored) > MAX_STORED_HASH:
        return None
    if _SCRYPT_FORM.fullmatch(stored):
        return SCRYPT
    match = _ARGON2_FORM.fullmatch(stored)
    return ARGON2 if match and _is_affordable(match) else None


def needs_rehash(stored: str, cost: Cost) -> bool:
    """Return True for scrypt, and for an argon2 hash that is cheaper than `cost` or of another kind."""
    match = _ARGON2_FORM.fullmatch(stored)
    if match is None or (match["kind"], match["version"]) != ("id", "19"):
        return True
    return int(match["memory"]) < cost.memory_kib or int(match["passes"]) < cost.passes


def _is_affordable(match: re.Match[str]) -> bool:
    memory, passes, lanes = int(match["memory"]), int(match["passes"]), int(match["lanes"])
    # RFC 9106 3.1: at least one pass, one lane, and 8 KiB for each lane.
    return 1 <= passes <= MAX_PASSES and 1 <= lanes <= MAX_LANES and 8 * lanes <= memory <= MAX_MEMORY_KIB
