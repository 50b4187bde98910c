"""An OAuth client of the broker for tests that speak HTTP to one: PKCE, the login form, DPoP."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from tests.trust import TRUST

GUEST = "urn:chatgate:params:oauth:grant-type:guest"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SESSION_TOKEN = "urn:chatgate:params:oauth:token-type:session-token"


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    return encode(hashlib.sha256(verifier.encode()).digest())


class Key:
    """A DPoP key and the proofs it makes."""

    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    def __init__(self, alg: str = "ES256") -> None:
        self.alg = alg
        if alg == "ES256":
            of_curve = self.private = ec.generate_private_key(ec.SECP256R1())
            full, members = ECAlgorithm.to_jwk(of_curve.public_key()), "kty crv x y"
        else:
            edwards = self.private = ed25519.Ed25519PrivateKey.generate()
            full, members = OKPAlgorithm.to_jwk(edwards.public_key()), "kty crv x"
        self.jwk: dict[str, str] = {name: json.loads(full)[name] for name in members.split()}
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        self.jkt = encode(hashlib.sha256(canonical.encode()).digest())

    def proof(
        self,
        method: str,
        uri: str,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A claim that is None is left out; `header` replaces members of the header."""
        found = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": uri, "iat": int(time.time())}
        if nonce is not None:
            found["nonce"] = nonce
        if access_token is not None:
            found["ath"] = encode(hashlib.sha256(access_token.encode()).digest())
        payload = {name: value for name, value in (found | claims).items() if value is not None}
        headers = {"typ": "dpop+jwt", "jwk": self.jwk, **(header or {})}
        return jwt.encode(payload, self.private, algorithm=self.alg, headers=headers)


@dataclass
class OAuthSite:
    """A page of the site that asks the broker, and the browser's other window, in which the reader signs in.

    `page` and `window` are httpx clients (asynchronous ones); the page's sends its Origin.
    """

    page: httpx.AsyncClient
    window: httpx.AsyncClient
    issuer: str
    client_id: str
    redirect_uri: str
    key: Key | None = None
    nonce: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def request(self, **changes: Any) -> dict[str, str]:
        """The parameters of an authorization request; one that is None is left out."""
        found = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "the state",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (found | changes).items() if value is not None}

    async def authorize(self, **changes: Any) -> httpx.Response:
        return await self.window.get(f"{self.issuer}/oauth2/authorize?{urlencode(self.request(**changes))}")

    async def post_form(self, screen: str, fields: Mapping[str, str], **changes: Any) -> httpx.Response:
        """`screen`: "", "/sign-up" or "/guest"."""
        address = f"{self.issuer}/login{screen}?{urlencode(self.request(**changes))}"
        # As a browser sends a form, even one without fields.
        headers = {"Origin": self.issuer, "Content-Type": "application/x-www-form-urlencoded"}
        return await self.window.post(address, content=urlencode(fields), headers=headers)

    async def code(self, email: str, password: str, **changes: Any) -> str:
        answer = await self.post_form("", {"email": email, "password": password}, **changes)
        return code_in(answer)

    async def guest_code(self, **changes: Any) -> str:
        return code_in(await self.post_form("/guest", {}, **changes))

    async def token(self, path: str = "/oauth2/token", **parameters: Any) -> httpx.Response:
        """With a proof where there is a key, and once more where a nonce is asked for."""
        answer = await self.send(path, **parameters)
        if answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce":
            answer = await self.send(path, **parameters)
        return answer

    async def send(
        self, path: str = "/oauth2/token", *, proof: str | None = None, **parameters: Any
    ) -> httpx.Response:
        headers = {}
        address = f"{self.issuer}{path}"
        if proof is None and self.key is not None:
            proof = self.key.proof("POST", address, nonce=self.nonce)
        if proof is not None:
            headers["DPoP"] = proof
        answer = await self.page.post(
            address, data={"client_id": self.client_id, **parameters}, headers=headers
        )
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer

    async def sessions(self, refresh_token: str) -> httpx.Response:
        return await self.token("/oauth2/sessions", token=refresh_token)

    async def end_session(self, refresh_token: str, session_id: str) -> httpx.Response:
        return await self.token("/oauth2/sessions/revoke", token=refresh_token, session_id=session_id)

    async def redeem(self, code: str, **changes: Any) -> httpx.Response:
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await self.token(**parameters | changes)

    async def guest(self, **more: Any) -> httpx.Response:
        return await self.token(grant_type=GUEST, **more)

    async def refresh(self, refresh_token: str, **more: Any) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **more)

    async def exchange(
        self, subject_token: str, subject_token_type: str = ACCESS_TOKEN, **more: Any
    ) -> httpx.Response:
        return await self.token(
            grant_type=EXCHANGE, subject_token=subject_token, subject_token_type=subject_token_type, **more
        )

    async def revoke(self, token: str, **changes: Any) -> httpx.Response:
        parameters = {"client_id": self.client_id, "token": token} | changes
        return await self.page.post(f"{self.issuer}/oauth2/revoke", data=parameters)

    async def signed_in(self, email: str, password: str) -> Any:
        """The tokens of a reader, by the whole way."""
        answer = await self.redeem(await self.code(email, password))
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def oauth_site(
    issuer: str, client_id: str, redirect_uri: str, key: Key | None = None
) -> AsyncIterator[OAuthSite]:
    """An OAuthSite that speaks over sockets to the broker at `issuer`."""
    parts = urlsplit(redirect_uri)
    origin = f"{parts.scheme}://{parts.netloc}"
    async with (
        httpx.AsyncClient(headers={"Origin": origin}, timeout=15, verify=TRUST) as page,
        httpx.AsyncClient(timeout=15, verify=TRUST) as window,
    ):
        yield OAuthSite(page, window, issuer, client_id, redirect_uri, key)


def answer_in(response: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect brings to the site's page."""
    assert response.status_code == 303, response.text
    return {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
    }


def code_in(response: httpx.Response) -> str:
    return answer_in(response)["code"]
