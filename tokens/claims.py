"""The access token's claims (RFC 9068), as issuer and verifier both read them."""

import re
from typing import Any, NamedTuple

from tokens import sealing
from tokens.errors import InvalidToken

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105  RFC 9068 2.1, a media type and no secret
ALGORITHMS = ("ES256", "EdDSA", "RS256")
MAX_LIFETIME = 300
"""Seconds between `iat` and `exp`; a longer life would outlast the time that session checks are sized for."""

CHAT = "chat"
HISTORY = "history"
SCOPES = (CHAT, HISTORY)
"""The uses of a token: asking questions; reading and deleting the reader's own conversations."""

_SUBJECT = re.compile(r"[A-Za-z0-9_-]{32,43}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SCOPE = re.compile(r"(?=.{1,128}\Z)[a-z0-9:_.-]+(?: [a-z0-9:_.-]+)*")


class AccessClaims(NamedTuple):
    """One verified access token. Times are whole seconds since the epoch. `upk` is the key of
    tokens.sealing, for a session that a Better Auth server of the site's own vouches for."""

    iss: str
    sub: str
    aud: str
    client_id: str
    iat: int
    exp: int
    jti: str
    sid: str
    scope: str
    tier: str
    jkt: str | None = None
    upk: str | None = None

    def to_payload(self) -> dict[str, Any]:
        """The JWT payload, members in RFC 9068's order; `cnf` only when the token is bound, `upk` only when
        it has one."""
        payload = self._asdict()
        jkt, upk = payload.pop("jkt"), payload.pop("upk")
        if jkt is not None:
            payload["cnf"] = {"jkt": jkt}
        if upk is not None:
            payload["upk"] = upk
        return payload


def parse(payload: Any) -> AccessClaims:
    """Read a payload whose signature is good. Raises InvalidToken when a claim is missing or misshapen.

    `sub`, `sid` and `jti` become parts of Redis keys, so their alphabet is fixed here and has no brace.
    """
    if not isinstance(payload, dict):
        raise InvalidToken("the payload is not an object")
    claims = AccessClaims(
        iss=_text(payload, "iss"),
        sub=_matching(payload, "sub", _SUBJECT),
        aud=_text(payload, "aud"),
        client_id=_matching(payload, "client_id", _NAME),
        iat=_seconds(payload, "iat"),
        exp=_seconds(payload, "exp"),
        jti=_matching(payload, "jti", _NAME),
        sid=_matching(payload, "sid", _NAME),
        scope=_matching(payload, "scope", _SCOPE),
        tier=_matching(payload, "tier", _NAME),
        jkt=_thumbprint(payload),
        upk=_matching(payload, "upk", sealing.KEY) if "upk" in payload else None,
    )
    # The broker issues none; accepting one would mean a second rule for when a token starts.
    if "nbf" in payload:
        raise InvalidToken("claim nbf is not one that we issue")
    return claims


def _text(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"claim {name} is missing or not a string")
    return value


def _matching(payload: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(payload, name)
    if not pattern.fullmatch(value):
        raise InvalidToken(f"claim {name} has characters or a length that we never issue")
    return value


def _seconds(payload: dict[str, Any], name: str) -> int:
    value = payload.get(name)
    if type(value) is not int or value < 0:
        raise InvalidToken(f"claim {name} is missing or not whole seconds")
    return value


def _thumbprint(payload: dict[str, Any]) -> str | None:
    if "cnf" not in payload:
        return None
    cnf = payload["cnf"]
    if not isinstance(cnf, dict) or set(cnf) != {"jkt"} or not isinstance(cnf["jkt"], str):
        raise InvalidToken("claim cnf is not a key thumbprint")
    return cnf["jkt"]
