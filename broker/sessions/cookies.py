"""Better Auth's signed cookies, byte for byte: `<value>.<base64 HMAC-SHA256>`, then percent-encoded."""

import binascii
import hmac
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

SESSION: Final = "session_token"
DONT_REMEMBER: Final = "dont_remember"
SESSION_DATA: Final = "session_data"
TOKEN: Final = re.compile(r"[A-Za-z0-9]{32}")
"""A raw session token. Other text never becomes part of a key (facts: a foreign key name gave a 500)."""

MAX_COOKIE: Final = 512
"""Characters of a signed value that are examined; ours has 77, percent-encoded at most 231."""
_SIGNATURE_LENGTH: Final = 44
MIN_SIGNED: Final = 32 + 1 + _SIGNATURE_LENGTH
"""Characters of a signed session token."""
# The characters that encodeURIComponent leaves as they are.
_UNESCAPED: Final = "-_.!~*'()"


def sign(value: str, secret: bytes) -> str:
    return f"{value}.{_signature(value.encode(), secret).decode()}"


def verify(signed: str, *secrets: bytes) -> str | None:
    """The value of `<value>.<signature>`, percent-encoded or not; None when none of `secrets` signed it."""
    parts = _parts(signed)
    if parts is None:
        return None
    value, signature = parts
    # All are compared, so that the time does not tell which of them signed.
    found = [hmac.compare_digest(_signature(value, secret), signature) for secret in secrets]
    return value.decode() if any(found) else None


def is_signed_token(text: str) -> bool:
    """Return True for the form of a signed session token; its signature is not judged."""
    parts = _parts(text)
    return parts is not None and TOKEN.fullmatch(parts[0].decode()) is not None


def verify_token(signed: str, *secrets: bytes) -> str | None:
    """As `verify`, for a value that has the shape of a raw session token."""
    value = verify(signed, *secrets)
    return value if value is not None and TOKEN.fullmatch(value) else None


def _parts(signed: str) -> tuple[bytes, bytes] | None:
    """The value and its signature without percent-encoding, in ASCII; None for text of another form."""
    if len(signed) > MAX_COOKIE or not signed.isascii():
        return None
    decoded = unquote_to_bytes(signed)
    value, dot, signature = decoded.rpartition(b".")
    return (value, signature) if dot and len(signature) == _SIGNATURE_LENGTH and decoded.isascii() else None


def _signature(value: bytes, secret: bytes) -> bytes:
    return binascii.b2a_base64(hmac.digest(secret, value, "sha256"), newline=False)


def values(header: str, name: str) -> list[str]:
    """Every value that a Cookie header gives to `name`, as sent (RFC 6265 5.4 sends each pair once)."""
    found = []
    for pair in header.split(";"):
        key, equals, value = pair.strip().partition("=")
        if equals and key == name:
            found.append(value)
    return found


MAX_PARENTS: Final = 4


@dataclass(frozen=True, slots=True)
class Jar:
    """Writes this broker's cookies. `prefix` begins their names."""

    secret: bytes
    secure: bool
    prefix: str = "better-auth"

    def name(self, cookie: str) -> str:
        return f"{'__Secure-' if self.secure else ''}{self.prefix}.{cookie}"

    def session(self, token: str, max_age: int | None) -> list[str]:
        """Set-Cookie values for a session; `max_age` in seconds, None for `rememberMe: false`."""
        lines = [self._line(SESSION, quote(sign(token, self.secret), safe=_UNESCAPED), max_age)]
        if max_age is None:
            lines.append(self._line(DONT_REMEMBER, quote(sign("true", self.secret), safe=_UNESCAPED), None))
        return lines

    def cleared(self) -> list[str]:
        return [self._line(cookie, "", 0) for cookie in (SESSION, SESSION_DATA, DONT_REMEMBER)]

    def cleared_of_parents(self, host: str) -> list[str]:
        """Remove session cookies of domains above `host`; a browser ignores those for a public suffix."""
        labels = host.split(".")
        if labels[-1].isdigit() or ":" in host:
            return []
        parents = [".".join(labels[at:]) for at in range(len(labels) - 1)][-MAX_PARENTS:]
        return [f"{self._line(SESSION, '', 0)}; Domain={parent}" for parent in parents]

    def _line(self, cookie: str, value: str, max_age: int | None) -> str:
        age = "" if max_age is None else f"; Max-Age={max_age}"
        secure = "; Secure" if self.secure else ""
        return f"{self.name(cookie)}={value}{age}; Path=/; HttpOnly{secure}; SameSite=Lax"
