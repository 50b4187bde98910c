"""Requests with a DPoP proof, sent as the widget sends them: again with the nonce that is asked for, and once
more by the service's own time where it refuses this machine's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chatgate.doctor.addresses import origin_of
from chatgate.doctor.client import Answer, Client
from chatgate.doctor.readers.proofs import Key
from chatgate.doctor.services.clocks import offset

MOST_TRIES: Final = 3


@dataclass(slots=True)
class Prover:
    """`origin` is the page's. `skew` is added to this machine's clock, in seconds."""

    client: Client
    origin: str
    key: Key = field(default_factory=Key, repr=False)
    skew: float = 0.0
    _nonces: dict[str, str] = field(default_factory=dict, repr=False)

    def headers(self, method: str, url: str, token: str = "") -> dict[str, str]:
        """The headers of one request, which is good once."""
        now = self.client.now() + self.skew
        proof = self.key.proof(method, url, now, self._nonces.get(origin_of(url), ""), token)
        bearing = {"Authorization": f"DPoP {token}"} if token else {}
        return {"Origin": self.origin, "DPoP": proof, **bearing}

    def hears(self, answer: Answer) -> bool:
        """Take the nonce and the time of an answer. Return True if the same request may now be good."""
        nonce = answer.headers.get("DPoP-Nonce", "")
        known = self._nonces.get(origin_of(answer.url), "")
        if nonce:
            self._nonces[origin_of(answer.url)] = nonce
        if answer.code == "use_dpop_nonce":
            return bool(nonce) and nonce != known
        if blames_clock(answer) and self.skew == 0.0:
            self.skew = offset(answer) or 0.0
            return self.skew != 0.0
        return False

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        token: str = "",
    ) -> Answer:
        """Raises Unreachable."""
        for _ in range(MOST_TRIES):
            sent = {**self.headers(method, url, token), **(headers or {})}
            answer = await self.client.send(method, url, sent, body)
            if not self.hears(answer):
                break
        return answer


def blames_clock(answer: Answer) -> bool:
    """The one refusal of a proof that is about its time (docs/http.md)."""
    return answer.code == "invalid_dpop_proof" and (
        answer.json().get("reason") == "iat" or answer.detail.startswith("iat:")
    )
