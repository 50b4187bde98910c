"""Proofs for the token endpoint: good ones, and bad ones that no library would make."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from tests.broker.service import EMAIL, ISSUER, sign_up
from tests.oauth import Key, OAuthSite, encode

TOKEN = f"{ISSUER}/oauth2/token"


async def with_nonce(oauth: Callable[[Key], Awaitable[OAuthSite]], page: httpx.AsyncClient) -> OAuthSite:
    """A site that has a key, and a nonce of the broker's for its first proof."""
    await sign_up(page, EMAIL)
    site = await oauth(Key())
    site.nonce = (await site.send(grant_type="refresh_token")).headers["dpop-nonce"]
    return site


def refused(answer: httpx.Response, error: str = "invalid_dpop_proof") -> bool:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].startswith(("DPoP: ", "iat: "))
    assert len(answer.headers.get_list("dpop-nonce")) == 1
    return True


def forged(key: Key, claims: Any, header: Any, signature: bytes | None = None) -> str:
    """A proof that PyJWT would not make."""
    parts = [encode(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts).encode()
    if signature is None:
        signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(
            signed, cast("EllipticCurvePrivateKey", key.private)
        )
    return f"{signed.decode()}.{encode(signature)}"


def claims_for(site: OAuthSite, **changes: Any) -> dict[str, Any]:
    found = {
        "jti": encode(bytes(str(time.time_ns()), "ascii")),
        "htm": "POST",
        "htu": TOKEN,
        "iat": int(time.time()),
    }
    return {
        name: value for name, value in (found | {"nonce": site.nonce} | changes).items() if value is not None
    }


def sent(site: OAuthSite, proof: str) -> Awaitable[httpx.Response]:
    return site.send(grant_type="refresh_token", refresh_token="x", proof=proof)


async def accepted(site: OAuthSite, proof: str) -> bool:
    answer = await sent(site, proof)
    # The proof was taken: what is refused is the token.
    return answer.json()["error"] == "invalid_grant"
