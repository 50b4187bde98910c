"""DPoP at the token endpoint (RFC 9449 5): finds the key that the new tokens will be bound to."""

from dataclasses import dataclass
from typing import Final, Protocol

from starlette.datastructures import Headers

from broker.errors import OAuthError
from tokens.dpop import UNTIMELY, InvalidProof, NonceNeeded, Proofs

HEADER: Final = "DPoP-Nonce"


class ShownProofs(Protocol):
    async def show(self, proof_id: str) -> bool:
        """False for a proof that was shown before; of several calls one gets True. Raises
        StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """Judges the proof of one request to the broker; `issuer` is the beginning of the request's address."""

    proofs: Proofs
    shown: ShownProofs
    issuer: str

    async def proved_key(self, headers: Headers, method: str, path: str, now: float) -> str:
        """The thumbprint of the key that was proved, or empty without a proof. Raises OAuthError."""
        sent = headers.getlist("dpop")
        if not sent:
            return ""
        if len(sent) > 1:
            raise self._invalid("one header is needed, there are several", now)
        try:
            proof = self.proofs.verify(sent[0], method=method, uri=self.issuer + path, now=now)
        except NonceNeeded as error:
            raise OAuthError("use_dpop_nonce", f"DPoP: {error}", headers=self.nonce(now)) from None
        except InvalidProof as error:
            raise self._invalid(str(error), now) from None
        if not await self.shown.show(proof.id):
            raise self._invalid("the proof was shown before", now)
        return proof.jkt

    def nonce(self, now: float) -> dict[str, str]:
        """The header for every answer to a request with a proof: a fresh nonce for the client's next one."""
        return {HEADER: self.proofs.nonces.current(now)}

    def _invalid(self, reason: str, now: float) -> OAuthError:
        # The parameter at fault comes first: a client whose clock is wrong can correct that one.
        at_fault = "iat: it" + UNTIMELY.removeprefix("iat") if reason == UNTIMELY else f"DPoP: {reason}"
        return OAuthError("invalid_dpop_proof", at_fault, headers=self.nonce(now))
