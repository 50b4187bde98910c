"""The JWTs of a Better Auth server's `jwt` plugin. They name no session, so nothing tells before their `exp`
that it has ended."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import jwt
import structlog

from edge.config.better_auth import BetterAuth
from edge.upstreams.session import UpstreamUnavailable, apart_by
from tokens.errors import KeysUnavailable
from tokens.jwks import local
from tokens.jwks.remote import RemoteKeys

ALGORITHMS: Final = ("EdDSA", "ES256", "ES512", "RS256", "PS256")
"""Those of the plugin's `keyPairConfig`, all asymmetric."""
MAX_TOKEN: Final = 8192
"""Characters. By default the whole user is inside."""
MAX_KEYS: Final = 256
"""Better Auth never deletes a key, and makes one for each of several first sign-ins at once."""
LEEWAY: Final = 5
_USER_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_HEADER: Final = frozenset({"alg", "kid", "typ"})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Vouched:
    """The user of a good token, issued and expiring at these times (seconds since the epoch)."""

    user_id: str
    iat: int
    exp: int
    is_anonymous: bool


class Jwts:
    """Verifies the tokens of one site's server. `clock` is monotonic seconds."""

    def __init__(self, site: str, settings: BetterAuth, clock: Callable[[], float]) -> None:
        assert settings.url is not None  # noqa: S101  edge.config.checks refuses to read without it
        self._site = site
        self._settings = settings
        self._address = f"{settings.url.rstrip('/')}{settings.jwks_path}"
        parts = urlsplit(settings.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self._issuer = settings.issuer or origin
        self._audience = settings.audience or origin
        parse = partial(local.parse, algorithms=ALGORITHMS, most=MAX_KEYS)
        self._keys = RemoteKeys(self._fetch, clock, parse)
        self._session: aiohttp.ClientSession | None = None

    async def verify(self, token: str, now: float) -> Vouched | None:
        """None for a token that is not good at `now` (seconds since the epoch), and for a user whom the site
        does not take. Raises UpstreamUnavailable while the server's keys cannot be read."""
        key = await self._key_of(token)
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[key.alg],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": ["exp", "iat", "sub", "iss", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError:
            return None
        return self._judged(claims, now)

    async def describe(self, now: float) -> str:
        """Describe the server's keys and clock for an operator. Raises UpstreamUnavailable."""
        try:
            raw, date = await self._answer()
            keys = local.parse(raw, algorithms=ALGORITHMS, most=MAX_KEYS)
        except (OSError, TimeoutError, local.BadKeySet) as error:
            raise UpstreamUnavailable(f"jwks: {error or type(error).__name__}") from None
        named = ", ".join(sorted({key.alg for key in keys.values()})) or "nothing"
        return f"{len(keys)} keys for {named}; {apart_by(date, now)}"

    async def close(self) -> None:
        await self._keys.close()
        if self._session is not None:
            await self._session.close()

    async def _key_of(self, token: str) -> local.Key | None:
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        kid = header.get("kid")
        # A type of its own is that of the session cache, which is no token for others.
        is_plain = header.keys() <= _HEADER and header.get("typ", "JWT") == "JWT"
        if not is_plain or not isinstance(kid, str) or not local.KID.fullmatch(kid):
            return None
        try:
            key = self._keys.known(kid) or await self._keys.find(kid)
        except KeysUnavailable as error:
            mend = f"check sites.{self._site}.better_auth.url: jwks_path below it must answer a key set"
            _log.warning("better_auth_unavailable", site=self._site, reason=str(error), mend=mend)
            raise UpstreamUnavailable(str(error)) from None
        return key if key is not None and key.alg == header.get("alg") else None

    def _judged(self, claims: dict[str, Any], now: float) -> Vouched | None:
        iat, exp, user_id = claims["iat"], claims["exp"], claims["sub"]
        if type(iat) is not int or type(exp) is not int or not _USER_ID.fullmatch(user_id):
            return None
        nbf = claims.get("nbf", iat)
        if not exp > now or iat > now + LEEWAY or type(nbf) is not int or nbf > now + LEEWAY:
            return None
        if claims.get("banned") and not self._settings.banned_users:
            return None
        is_anonymous = claims.get("isAnonymous") is True
        # A payload of the site's own may lack the claim: then nobody vouches for the address.
        is_verified = claims.get("emailVerified") is True or is_anonymous
        if not is_verified and not self._settings.unverified_users:
            return None
        return Vouched(user_id, iat, exp, is_anonymous)

    async def _fetch(self) -> bytes:
        """Raises OSError and TimeoutError."""
        raw, _ = await self._answer()
        return raw

    async def _answer(self) -> tuple[bytes, str | None]:
        """The key set, and the `Date` that came with it. Raises OSError and TimeoutError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_seconds)
            )
        try:
            async with self._session.get(self._address, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise OSError(f"jwks answered {answer.status}")
                raw = await answer.content.read(local.MAX_BYTES + 1)
                while not answer.content.at_eof() and len(raw) <= local.MAX_BYTES:
                    raw += await answer.content.read(local.MAX_BYTES + 1 - len(raw))
                return raw, answer.headers.get("Date")
        except aiohttp.ClientError as error:
            raise OSError(type(error).__name__) from None
