"""Who asks: from a request's headers to a Caller, before anything else of the request is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from chat_proxy.config import Limits, ProxyConfig, Site
from edge import bearer
from edge.client_address import bucket, client_address
from edge.cors import REFUSED as ORIGIN_REFUSED
from edge.problems import Problem
from tokens.errors import InvalidToken
from tokens.verify import Verified, Verifier

SCOPE: Final = "chat"
LOCAL_READER: Final = "local-reader-without-a-token-000"
"""The `sub` of whoever sends no token where none is needed; 32 characters, as every `sub`."""
INSUFFICIENT_SCOPE: Final = Problem(
    403,
    "insufficient_scope",
    "The token is not for asking questions.",
    {"WWW-Authenticate": f'Bearer error="insufficient_scope" scope="{SCOPE}"'},
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A reader whose token is good. That the session lives is the admission's to say; `sid` is empty for
    the local reader, who has none. `address` is set for those who share limits with their address."""

    sub: str
    sid: str
    jti: str
    kid: str
    tier: str
    site: Site
    limits: Limits
    address: str | None

    @property
    def has_session(self) -> bool:
        return self.sid != ""


@dataclass(frozen=True, slots=True)
class Gate:
    """`now` is seconds since the epoch."""

    config: ProxyConfig
    verifier: Verifier
    now: Callable[[], float]

    async def identify(self, scope: Scope, headers: Headers) -> Caller:
        """Raises Problem 400, 401 and 403, and KeysUnavailable."""
        token = bearer.bearer_token(headers)
        if token is None:
            caller = self._without_token(scope, headers)
        else:
            try:
                verified = await self.verifier.verify(token, self.now())
            except InvalidToken:
                raise bearer.invalid_token() from None
            caller = self._with_token(verified, scope, headers)
        # CORS has refused the origins of no site; this refuses another site's.
        origin = headers.get("origin")
        if origin is not None and origin not in caller.site.origins:
            raise ORIGIN_REFUSED
        return caller

    def _without_token(self, scope: Scope, headers: Headers) -> Caller:
        site = self.config.open_site
        if site is None or "authorization" in headers:
            raise bearer.unauthenticated()
        limits = self.config.tiers[site.guest_tier]
        address = self._address(scope, headers)
        return Caller(LOCAL_READER, "", "", "", site.guest_tier, site, limits, address)

    def _with_token(self, verified: Verified, scope: Scope, headers: Headers) -> Caller:
        claims = verified.claims
        site = self.config.sites.get(claims.client_id)
        limits = self.config.tiers.get(claims.tier)
        # A token that is bound to a key proves nothing without the key's proof (RFC 9449 7.2).
        if site is None or limits is None or claims.jkt is not None:
            raise bearer.invalid_token()
        if SCOPE not in claims.scope.split():
            raise INSUFFICIENT_SCOPE
        address = self._address(scope, headers) if claims.tier == site.guest_tier else None
        return Caller(claims.sub, claims.sid, claims.jti, verified.kid, claims.tier, site, limits, address)

    def _address(self, scope: Scope, headers: Headers) -> str:
        peer = scope.get("client")
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        return bucket(client_address(peer[0] if peer else None, forwarded, self.config.trusted_proxies))
