"""A client with a DPoP key, which signs in at the broker and asks for tokens. It runs in the load's
process."""

import base64
import hashlib
import json
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from bench.http1 import HOST
from bench.load import Answer, Connection

FORM = "application/x-www-form-urlencoded"


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """An ES256 key and its proofs."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        numbers = self._private.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": encode(_bytes(numbers.x)), "y": encode(_bytes(numbers.y))}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
        self._header = encode(json.dumps(header).encode())

    def proof(self, method: str, uri: str, nonce: str, access_token: str | None = None) -> str:
        claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": uri, "iat": int(time.time())}
        claims |= {"nonce": nonce} if nonce else {}
        if access_token is not None:
            claims["ath"] = encode(hashlib.sha256(access_token.encode()).digest())
        signed = f"{self._header}.{encode(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(_bytes(r) + _bytes(s))}"


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def form(path: str, fields: dict[str, str], headers: dict[str, str]) -> bytes:
    raw = urlencode(fields).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {FORM}", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


class Client:
    """A site's page for one reader, on one connection to the broker, with a key and its tokens."""

    def __init__(self, line: Connection, issuer: str, page: str, client_id: str, redirect_uri: str) -> None:
        self.key = Key()
        self.nonce = ""
        self.access_token = self.refresh_token = ""
        self._line = line
        self._issuer = issuer
        self._page = page
        self._client_id = client_id
        self._redirect_uri = redirect_uri

    async def sign_in(self, email: str, password: str) -> None:
        await self._sign_in("/login", {"email": email, "password": password})

    async def sign_in_as_guest(self) -> None:
        await self._sign_in("/login/guest", {})

    async def _sign_in(self, screen: str, fields: dict[str, str]) -> None:
        verifier = secrets.token_urlsafe(40)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "code_challenge": encode(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        raw = form(f"{screen}?{urlencode(asked)}", fields, {"Origin": self._issuer})
        sent_back = await self._line.ask(raw)
        assert sent_back.status == 303, sent_back
        [code] = parse_qs(urlsplit(sent_back.headers["location"]).query)["code"]
        redeemed = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        # The first request only fetches the nonce: the broker refuses it before it looks at the code.
        await self._token(redeemed)
        self._take(await self._token(redeemed))

    async def refresh(self) -> Answer:
        """Refresh, and take the new tokens of a successful answer."""
        answer = await self._token({"grant_type": "refresh_token", "refresh_token": self.refresh_token})
        if answer.status == 200:
            self._take(answer)
        return answer

    async def _token(self, parameters: dict[str, str]) -> Answer:
        proof = self.key.proof("POST", f"{self._issuer}/oauth2/token", self.nonce)
        headers = {"Origin": self._page, "DPoP": proof}
        raw = form("/oauth2/token", {"client_id": self._client_id, **parameters}, headers)
        answer = await self._line.ask(raw)
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer

    def _take(self, answer: Answer) -> None:
        assert answer.status == 200, answer
        tokens = answer.json()
        self.access_token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
