"""Authentication: a request's headers give a Caller before the proxy reads anything else of the request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.types import Scope

from chat_proxy.challenges import insufficient_scope, invalid_proof, nonce_needed
from chat_proxy.config import Limits, ProxyConfig, Site
from edge.http import authorization
from edge.http.authorization import Credentials
from edge.http.client_address import bucket, client_address
from edge.http.cors import refused as origin_refused
from tokens import liveness, readers
from tokens.claims import AccessClaims
from tokens.dpop import InvalidProof, NonceNeeded, Proofs
from tokens.errors import InvalidToken
from tokens.verify import LEEWAY, Verified, Verifier

LOCAL_READER: Final = "local-reader-without-a-token-000"
"""The `sub` of every request without a token where none is needed; 32 characters, as every `sub`."""


class Caller(NamedTuple):
    """A reader whose token is valid. The admission checks that the session lives and that the DPoP proof
    which `proof` names is new. `sid` is empty for the local reader, who has no session; `proof` is empty for
    a reader who needs none. `address` is set for guests, who share limits with their address. `expires_at` is
    the token's, in seconds since the epoch; `upk` is its key of tokens.sealing, or None."""

    sub: str
    sid: str
    jti: str
    kid: str
    tier: str
    site: Site
    limits: Limits
    address: str | None
    proof: str = ""
    expires_at: int = 0
    upk: str | None = None

    @property
    def reader(self) -> str:
        """This user at this site, the owner of the conversations and of the running answers."""
        return readers.reader(self.sub, self.site.client_id)

    @property
    def credentials(self) -> list[str]:
        """The keys by which lua/session.lua judges the session and the token."""
        return [
            liveness.session(self.sub, self.sid),
            liveness.revoked_token(self.sub, self.jti),
            liveness.revoked_token(self.sub, liveness.root_of(self.jti)),
        ]

    @property
    def has_session(self) -> bool:
        return self.sid != ""


@dataclass(frozen=True, slots=True)
class Gate:
    """`now` is seconds since the epoch."""

    config: ProxyConfig
    verifier: Verifier
    proofs: Proofs
    now: Callable[[], float]

    async def identify(self, scope: Scope, headers: Headers, needed: str) -> Caller:
        """Identify the caller, whose token must have the scope `needed` (tokens.claims.SCOPES).

        Raises Problem 400, 401 and 403, and KeysUnavailable.
        """
        sent = authorization.credentials(headers)
        if sent is None:
            caller = self._without_token(scope, headers)
        else:
            try:
                verified = await self.verifier.verify(sent.token, self.now())
            except InvalidToken:
                raise authorization.invalid_token() from None
            caller = self._with_token(verified, sent, scope, headers)
            if needed not in verified.claims.scope.split():
                raise insufficient_scope(needed)
        # CORS has refused origins that belong to no site; this check refuses another site's.
        origin = headers.get("origin")
        if origin is not None and origin not in caller.site.origins:
            raise origin_refused()
        return caller

    def require_timely(self, caller: Caller) -> None:
        """Check the expiry again after a slow body: a revoked token's mark is kept no longer than the token.

        Raises Problem 401.
        """
        if caller.has_session and self.now() >= caller.expires_at + LEEWAY:
            raise authorization.invalid_token()

    def _without_token(self, scope: Scope, headers: Headers) -> Caller:
        site = self.config.open_site
        if site is None or "authorization" in headers:
            raise authorization.unauthenticated("Send an access token, as Bearer or with a DPoP proof.")
        limits = self.config.tiers[site.guest_tier]
        address = self._address(scope, headers)
        return Caller(LOCAL_READER, "", "", "", site.guest_tier, site, limits, address)

    def _with_token(self, verified: Verified, sent: Credentials, scope: Scope, headers: Headers) -> Caller:
        claims = verified.claims
        site = self.config.sites.get(claims.client_id)
        limits = self.config.tiers.get(claims.tier)
        # A bound token proves nothing without its key's proof (RFC 9449 7.2), and a proof adds nothing to a
        # token that is bound to no key.
        is_bound = claims.jkt is not None
        if site is None or limits is None or is_bound != (sent.scheme == authorization.DPOP):
            raise authorization.invalid_token()
        proof = self._proof(claims, sent.token, scope, headers) if is_bound else ""
        address = self._address(scope, headers) if claims.tier == site.guest_tier else None
        return Caller(
            sub=claims.sub,
            sid=claims.sid,
            jti=claims.jti,
            kid=verified.kid,
            tier=claims.tier,
            site=site,
            limits=limits,
            address=address,
            proof=proof,
            expires_at=claims.exp,
            upk=claims.upk,
        )

    def _proof(self, claims: AccessClaims, token: str, scope: Scope, headers: Headers) -> str:
        """Verify the proof and return its id in the store, which finds a replay later. Raises Problem 401."""
        sent = headers.getlist("dpop")
        if len(sent) != 1:
            raise invalid_proof("one DPoP header is needed")
        try:
            proof = self.proofs.verify(
                sent[0],
                method=scope["method"],
                # From our configuration: the sender chooses the Host header.
                uri=self.config.audience + scope["path"],
                now=self.now(),
                access_token=token,
            )
        except NonceNeeded:
            raise nonce_needed() from None
        except InvalidProof as error:
            raise invalid_proof(str(error)) from None
        if proof.jkt != claims.jkt:
            raise invalid_proof("its key is not the one that the token is bound to")
        return proof.id

    def _address(self, scope: Scope, headers: Headers) -> str | None:
        """The network that shares limits, or None where it is unknown: then each guest has limits of their
        own."""
        peer = scope.get("client")
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        address = client_address(
            peer[0] if peer else None, forwarded, self.config.trusted_proxies, self.config.shared_addresses
        )
        return None if address is None else bucket(address)
