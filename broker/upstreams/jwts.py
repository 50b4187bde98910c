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

from edge.config.better_auth import BetterAuth
from edge.upstreams import session
from edge.upstreams.failures import Failures
from edge.upstreams.session import CLOCKS_APART, ClocksApart, UpstreamUnavailable
from tokens.errors import KeysUnavailable
from tokens.jwks import local
from tokens.jwks.remote import RemoteKeys

ALGORITHMS: Final = ("EdDSA", "ES256", "ES512", "RS256", "PS256")
"""Those of the plugin's `keyPairConfig`, all asymmetric."""
MAX_TOKEN: Final = 8192
"""Characters. By default the whole user is inside."""
MAX_KEYS: Final = 256
"""Better Auth never deletes a key, and makes one for each of several first sign-ins at once."""
_USER_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_parse: Final = partial(local.parse, algorithms=ALGORITHMS, most=MAX_KEYS)


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
        self._failures = Failures(site, settings.upstream, clock)
        self._clock = clock
        self._settings = settings
        self._address = f"{settings.url.rstrip('/')}{settings.jwks_path}"
        parts = urlsplit(settings.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self._issuer = settings.issuer or origin
        self._audience = settings.audience or origin
        self._keys = RemoteKeys(self._fetch, clock, self._parsed)
        self._fault: str | None = None
        self._told: tuple[float, float] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def verify(self, token: str, now: float) -> Vouched | None:
        """None for a token that is not good at `now` (seconds since the epoch), and for a user whom the site
        does not take. Raises UpstreamUnavailable, after a line in the log, while the server's keys cannot be
        read, and where a clock is apart."""
        with self._failures.told():
            key = await self._key_of(token, now)
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
            keys = _parse(raw)
        except (OSError, TimeoutError, local.BadKeySet) as error:
            raise UpstreamUnavailable(f"jwks: {error or type(error).__name__}") from None
        named = ", ".join(sorted({key.alg for key in keys.values()})) or "nothing"
        return f"{len(keys)} keys for {named}; {session.apart_by(date, now)}"

    async def close(self) -> None:
        await self._keys.close()
        if self._session is not None:
            await self._session.close()

    async def _key_of(self, token: str, now: float) -> local.Key | None:
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
        came_at = self._clock()
        try:
            key = self._keys.known(kid) or await self._keys.find(kid)
        except KeysUnavailable as error:
            raise UpstreamUnavailable(self._fault or str(error)) from None
        if key is None and not self._is_newer(token, came_at, now):
            raise UpstreamUnavailable(
                self._fault or "the keys were read before a JWT of another key was made"
            )
        return key if key is not None and key.alg == header.get("alg") else None

    def _is_newer(self, token: str, came_at: float, now: float) -> bool:
        """Return True if the set of keys is newer than a token, so that a key that it lacks is none of the
        server's. Any client can cause a fetch, after which there is none for some seconds."""
        read_at = self._keys.read_at
        if read_at is not None and read_at >= came_at:
            return True
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return True
        iat = claims.get("iat")
        read_ago = float("inf") if read_at is None else self._clock() - read_at
        return type(iat) is not int or iat + CLOCKS_APART < now - read_ago

    def _judged(self, claims: dict[str, Any], now: float) -> Vouched | None:
        iat, exp, user_id = claims["iat"], claims["exp"], claims["sub"]
        if type(iat) is not int or type(exp) is not int or not _USER_ID.fullmatch(user_id):
            return None
        if iat > now + CLOCKS_APART:
            # The server signed it, so it has been made.
            raise ClocksApart(session.apart(iat, now))
        theirs = None if self._told is None else self._told[0] + self._clock() - self._told[1]
        nbf = claims.get("nbf", iat)
        is_due = type(nbf) is int and nbf <= now + CLOCKS_APART
        if not is_due or not session.lives(exp, now, theirs):
            return None
        if claims.get("banned") and not self._settings.banned_users:
            return None
        is_anonymous = claims.get("isAnonymous") is True
        # A payload of the site's own may lack the claim: then no server vouches for the address.
        is_verified = claims.get("emailVerified") is True or is_anonymous
        if not is_verified and not self._settings.unverified_users:
            return None
        return Vouched(user_id, iat, exp, is_anonymous)

    async def _fetch(self) -> bytes:
        """Raises OSError and TimeoutError. Keeps the time that the server tells."""
        try:
            raw, date = await self._answer()
        except (OSError, TimeoutError) as error:
            self._fault = f"jwks: {error or type(error).__name__}"
            raise
        at = session.time_of(date)
        self._told = None if at is None else (at, self._clock())
        return raw

    def _parsed(self, raw: bytes) -> local.KeySet:
        """Raises BadKeySet."""
        try:
            keys = _parse(raw)
        except local.BadKeySet as error:
            self._fault = f"jwks: {error}"
            raise
        self._fault = None
        return keys

    async def _answer(self) -> tuple[bytes, str | None]:
        """The key set, and the `Date` that came with it, unless from a cache. Raises OSError and
        TimeoutError."""
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
                return raw, None if "Age" in answer.headers else answer.headers.get("Date")
        except aiohttp.ClientError as error:
            raise OSError(type(error).__name__) from None
