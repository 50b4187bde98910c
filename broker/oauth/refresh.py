"""Refresh tokens: a family for each session that a code or the guest grant made; one counter is the latest.

No token is stored. Each holds its session's name, a counter, and an HMAC over both, so that the broker can
return the same one again, and an attacker cannot read one out of Redis (docs/decisions/0007).
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.sessions.session import Session

GRACE_MS: Final = 60_000
"""The time in which the holder of the family's key may send the last but one again: a reply may be lost."""
FIRST: Final = 1

_TOKEN: Final = re.compile(
    r"cgr~([A-Za-z0-9_-]{32,43})~([A-Za-z0-9_-]{22})~([1-9][0-9]{0,14})~([A-Za-z0-9_-]{43})"
)
_INFO: Final = b"chatgate refresh tokens"


@dataclass(frozen=True, slots=True)
class Handle:
    """The content of a refresh token: its session and its counter."""

    sub: str
    sid: str
    counter: int


class RefreshTokens:
    """Makes tokens with the first of `secrets`, and accepts those of each."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret) for secret in secrets]

    def write(self, handle: Handle) -> str:
        name = f"cgr~{handle.sub}~{handle.sid}~{handle.counter}"
        return f"{name}~{_mac(self._keys[0], name)}"

    def read(self, token: str) -> Handle | None:
        """None for a token that this broker never made."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        sub, sid, counter, mac = found.groups()
        name = token[: -len(mac) - 1]
        if not any(hmac.compare_digest(_mac(key, name), mac) for key in self._keys):
            return None
        return Handle(sub, sid, int(counter))


class Refused(Enum):
    """The reason to refuse a refresh token that this broker made."""

    UNKNOWN = "unknown"
    OTHER_KEY = "other_key"
    REUSED = "reused"
    SCOPE = "scope"


@dataclass(frozen=True, slots=True)
class Rotated:
    """`counter` is the family's latest, whether this call made it or the one before."""

    session: Session
    counter: int


class Families(Protocol):
    async def rotate(self, handle: Handle, client_id: str, jkt: str, scope: str | None) -> Rotated | Refused:
        """Spend the latest token and make the next one. `jkt` is the key that was proved, or empty; a `scope`
        that is not the session's is refused before the token is spent.

        When several calls show the latest token, one of them makes the new one. The others get the same new
        token, for GRACE_MS and until it is used, if the family is bound to `jkt`. Any older token ends the
        session: REUSED. Raises StoreUnavailable when Redis gave no sure answer.
        """

    async def look(self, handle: Handle, client_id: str, jkt: str) -> Session | Refused:
        """The session of a token that `rotate` would accept now; no token is spent, and a refusal ends no
        session. Raises StoreUnavailable."""


def _mac(key: bytes, name: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, name.encode(), "sha256")).rstrip(b"=").decode()
