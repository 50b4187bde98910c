"""Verifies a bearer token: returns its claims, or refuses it.

PyJWT checks the signature. This module checks what PyJWT leaves open: size, alphabet, one plain header,
the key's own algorithm, required claims with types, a bounded lifetime (RFC 8725).
"""

import base64
import hashlib
import re
from collections import OrderedDict
from typing import Any, NamedTuple, Protocol

import jwt

from tokens import claims, strict_json
from tokens.claims import AccessClaims
from tokens.errors import InvalidToken
from tokens.jwks.local import KID, Key

MAX_TOKEN = 4096
"""Characters. Ten claims under an RSA key take 757; a longer text is refused before it is decoded."""
LEEWAY = 5
"""Seconds by which the issuer's clock may be ahead of ours, or behind it."""
CACHE_SIZE = 4096
"""Verified tokens remembered, the least recently used forgotten first; verifying is the dearest step here."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# Our tokens have these three and no others, so that jwk, jku, x5u, x5c, crit, b64 and zip all fail here.
_HEADER = {"alg", "kid", "typ"}
_TYPES = {claims.ACCESS_TOKEN_TYPE, f"application/{claims.ACCESS_TOKEN_TYPE}"}


class Keys(Protocol):
    def known(self, kid: str) -> Key | None:
        """The key if it is in memory and still published; never waits."""

    async def find(self, kid: str) -> Key | None:
        """The key, read from its publisher if need be. Raises KeysUnavailable when none was ever read."""


class Verified(NamedTuple):
    """The claims of a good token, and the `kid` of the key that verified it."""

    claims: AccessClaims
    kid: str


class Verifier:
    """Verifies access tokens of one issuer for one audience.

    A remembered token must still be within its `exp` and its key still be published; admission checks at
    every request that its session lives.
    """

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()

    async def verify(self, token: str, now: float) -> Verified:
        """The claims and the key id of a good token; `now` in seconds since the epoch. Raises
        InvalidToken."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise InvalidToken("the token is too long or not ASCII")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        remembered = self._verified.get(digest)
        if remembered is not None and self._keys.known(remembered.kid) is not None:
            self._verified.move_to_end(digest)
            _require_timely(remembered.claims, now)
            return remembered
        verified = await self._verify_afresh(token, now)
        self._verified[digest] = verified
        if len(self._verified) > CACHE_SIZE:
            self._verified.popitem(last=False)
        return verified

    async def _verify_afresh(self, token: str, now: float) -> Verified:
        match = _COMPACT.fullmatch(token)
        if match is None:
            raise InvalidToken("the token is not three base64url parts")
        header, payload, _ = match.groups()
        alg, kid = _read_header(_decode(header))
        unproved = claims.parse(_read_json(_decode(payload)))
        key = self._keys.known(kid) or await self._keys.find(kid)
        if key is None or key.alg != alg:
            raise InvalidToken("no published key has this kid and algorithm")
        try:
            jwt.decode(
                token,
                key.public,
                algorithms=[alg],
                issuer=self._issuer,
                audience=self._audience,
                # `_require_timely` judges the times, by the clock that the caller passes.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(f"refused: {type(error).__name__}") from None
        _require_timely(unproved, now)
        return Verified(unproved, kid)


def _decode(part: str) -> bytes:
    # PyJWT itself checks that no unused bit is set, which would be a second spelling (RFC 4648 3.5).
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise InvalidToken("a part is not base64url") from None


def _read_json(raw: bytes) -> Any:
    try:
        return strict_json.loads(raw)
    except strict_json.NotStrictJSON as error:
        raise InvalidToken(str(error)) from None


def _read_header(raw: bytes) -> tuple[str, str]:
    header = _read_json(raw)
    if not isinstance(header, dict) or header.keys() != _HEADER:
        raise InvalidToken("the header has other members than alg, kid and typ")
    alg, kid, typ = header["alg"], header["kid"], header["typ"]
    if alg not in claims.ALGORITHMS:
        raise InvalidToken("the algorithm is not allowed")
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise InvalidToken("the kid is not one of ours")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise InvalidToken("the token is not an access token")
    return alg, kid


def _require_timely(found: AccessClaims, now: float) -> None:
    if now >= found.exp + LEEWAY:
        raise InvalidToken("the token has expired")
    if found.iat > now + LEEWAY:
        raise InvalidToken("the token is from the future")
    if not 0 < found.exp - found.iat <= claims.MAX_LIFETIME:
        raise InvalidToken("the token's lifetime is not one that we issue")
