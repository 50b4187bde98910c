"""Better Auth's signed cookies, byte for byte: `<value>.<base64 HMAC-SHA256>`, then percent-encoded."""

import base64
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
    mac = hmac.digest(secret, value.encode(), "sha256")
    return f"{value}.{base64.b64encode(mac).decode()}"


def verify(signed: str, secret: bytes) -> str | None:
    """The value of `<value>.<signature>`, percent-encoded or not; None when the signature is not ours."""
    decoded = _decoded(signed)
    if decoded is None:
        return None
    value, _, _ = decoded.rpartition(".")
    return value if hmac.compare_digest(sign(value, secret), decoded) else None


def is_signed_token(text: str) -> bool:
    """Return True for the form of a signed session token, whoever signed it."""
    decoded = _decoded(text)
    return decoded is not None and TOKEN.fullmatch(decoded.rpartition(".")[0]) is not None


def _decoded(signed: str) -> str | None:
    """`<value>.<signature>` without percent-encoding; None for text of another form."""
    if len(signed) > MAX_COOKIE or not signed.isascii():
        return None
    try:
        decoded = unquote_to_bytes(signed).decode("ascii") if "%" in signed else signed
    except UnicodeDecodeError:
        return None
    _, dot, signature = decoded.rpartition(".")
    return decoded if dot and len(signature) == _SIGNATURE_LENGTH else None


def verify_token(signed: str, *secrets: bytes) -> str | None:
    """As `verify`, by any of `secrets`, for a value that has the shape of a raw session token."""
    found = [value for secret in secrets if (value := verify(signed, secret)) is not None]
    return found[0] if found and TOKEN.fullmatch(found[0]) else None


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
