"""A reader whose token is bound to a key, and the proofs that come with what they ask."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import httpx

from tests.chat_proxy.configuration import SITE
from tests.chat_proxy.service import Service
from tests.chat_proxy.tokens import ALGS, AUDIENCE, METADATA, SUB, token
from tests.oauth import Key, encode
from tokens.nonces import Nonces


class Holder:
    """`now` is the clock by which tokens and proofs are made."""

    def __init__(
        self, service: Service, *, key: Key | None = None, now: Callable[[], float] = time.time, **claims: Any
    ) -> None:
        self.service = service
        self.key = key or Key()
        self.now = now
        iat = int(now())
        times = {"iat": iat, "exp": iat + 300}
        self.token = token(**{"cnf": {"jkt": self.key.jkt}, **times, **claims})

    @classmethod
    async def signed_in(cls, service: Service, **options: Any) -> Self:
        await service.sign_in(options.get("sid", "s1"), options.get("sub", SUB))
        return cls(service, **options)

    @property
    def nonce(self) -> str:
        return Nonces([self.service.config.nonce_secret]).current(self.now())

    def proof(self, method: str = "POST", path: str = "/chat", **changes: Any) -> str:
        """One that is good, but for `changes`."""
        made = {"nonce": self.nonce, "access_token": self.token, "iat": int(self.now())}
        return self.key.proof(method, changes.pop("htu", AUDIENCE + path), **{**made, **changes})

    def payload(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good proof, for one that is put together by hand."""
        return {**part(self.proof(), 1), **changes}

    async def send(
        self,
        method: str = "POST",
        path: str = "/chat",
        *,
        proofs: Sequence[str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        client: httpx.AsyncClient | None = None,
        **options: Any,
    ) -> httpx.Response:
        """`proofs` are the DPoP headers; a good one when none are given."""
        sent = [("Authorization", f"DPoP {self.token}"), ("Origin", SITE), *headers]
        proofs = [self.proof(method, path)] if proofs is None else proofs
        sent += [("DPoP", one) for one in proofs]
        if method == "POST":
            options.setdefault("json", {"message": "What is this?"})
        return await (client or self.service.client).request(method, path, headers=sent, **options)

    async def refused(self, code: str, *proofs: str, **options: Any) -> httpx.Response:
        """Asks with these proofs, and sees that the answer is exactly the one for `code`."""
        answer = await self.send(proofs=proofs, **options)
        assert (answer.status_code, answer.json()["code"]) == (401, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get_list("www-authenticate") == [f'DPoP error="{code}", {METADATA}, {ALGS}']
        assert answer.headers.get_list("dpop-nonce") == [self.nonce]
        assert answer.headers["access-control-allow-origin"] == SITE
        assert {"WWW-Authenticate", "DPoP-Nonce"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )
        assert answer.headers["cache-control"] == "no-store"
        for proof in proofs:
            assert not proof or proof not in answer.text
        return answer


def part(proof: str, at: int) -> Any:
    """The members of a proof's header (0) or payload (1)."""
    text = proof.split(".")[at]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def unsigned(header: Any, payload: Any) -> str:
    """The signing input of what may be no good JWT; parts that are bytes are taken as they are."""
    parts = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, payload))
    return ".".join(encode(one) for one in parts)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 3, of a key that has its required members alone."""
    return encode(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())
