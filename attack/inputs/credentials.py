"""Valid credentials with a part of them changed: the services must refuse every one."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import unquote

from attack.stack import Stack
from bench.http1 import request
from bench.load import Connection
from bench.oauth import Client
from bench.stack import PAGE, REDIRECT_URI, Reader

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
HEADERS: Final = (
    {"alg": "none", "typ": "at+jwt"},
    {"alg": "HS256", "typ": "at+jwt"},
    {"alg": "ES256", "typ": "JWT"},
    {"alg": "ES256", "typ": "at+jwt", "jku": "http://127.0.0.1:1/"},
)


@dataclass(frozen=True, slots=True)
class Changed:
    """A request with an invalid credential, which `what` names."""

    what: str
    method: str
    raw: bytes


@dataclass
class Holder:
    """A reader with a cookie and a token, and a client whose token is bound to a key."""

    stack: Stack
    reader: Reader
    client: Client
    nonce: str

    def requests(self, service: str) -> Sequence[bytes]:
        """Valid requests of every kind."""
        reader, bearer = self.reader, {"Authorization": f"Bearer {self.reader.token}", "Origin": PAGE}
        if service == "broker":
            return (
                reader.token_request(),
                request("GET", "/healthz"),
                request("GET", "/.well-known/jwks.json", headers={"Origin": PAGE}),
                request("GET", "/api/auth/get-session", headers={"Cookie": reader.cookie, "Origin": PAGE}),
                request("POST", "/api/auth/update-user", {"name": "Ada"}, {"Cookie": reader.cookie}),
                request("POST", "/oauth2/token", {"grant_type": "none"}, {"Origin": PAGE}),
                request("GET", "/oauth2/authorize?client_id=docs"),
            )
        return (
            request("GET", "/sessions", headers=bearer),
            request("GET", "/sessions/s1", headers=bearer),
            request("DELETE", "/sessions/s1", headers=bearer),
            request("POST", "/chat", {"message": "How often?"}, bearer),
            request("POST", "/sessions/s1/feedback", {"message_id": "a", "rating": None}, bearer),
            self.question(),
            request("GET", "/healthz"),
        )

    def question(self) -> bytes:
        """A question with the bound token and a valid proof."""
        return self._proved(self.client.access_token, self._proof())

    def changed(self, chance: Random, service: str) -> Changed:
        if service == "broker":
            return self._changed_cookie(chance)
        return chance.choice((self._changed_token, self._changed_token, self._changed_proof))(chance)

    def _changed_cookie(self, chance: Random) -> Changed:
        name, _, value = self.reader.cookie.partition("=")
        other = _other_than(value, chance, lambda text: unquote(text, errors="replace"))
        raw = request("GET", "/auth/token", headers={"Cookie": f"{name}={other}", "Origin": PAGE})
        return Changed("a changed cookie", "GET", raw)

    def _changed_token(self, chance: Random) -> Changed:
        token = _changed_jwt(self.reader.token, chance)
        headers = {"Authorization": f"Bearer {token}", "Origin": PAGE}
        return Changed("a changed token", "GET", request("GET", "/sessions", headers=headers))

    def _changed_proof(self, chance: Random) -> Changed:
        token, key, uri = self.client.access_token, self.client.key, self._uri()
        kind = chance.randrange(6)
        if kind == 0:
            return Changed("a bound token as bearer", "POST", self._proved(token, None))
        if kind == 1:
            proof = key.proof("GET", uri, self.nonce, token)
        elif kind == 2:
            proof = key.proof("POST", uri + chance.choice(("/", "x", "%20", "/..")), self.nonce, token)
        elif kind == 3:
            proof = key.proof("POST", uri, _other_than(self.nonce, chance), token)
        elif kind == 4:
            proof = key.proof("POST", uri, self.nonce, chance.choice((None, token + "A")))
        else:
            proof = _changed_jwt(self._proof(), chance)
        return Changed("a changed proof", "POST", self._proved(token, proof))

    def _proof(self) -> str:
        return self.client.key.proof("POST", self._uri(), self.nonce, self.client.access_token)

    def _uri(self) -> str:
        return f"{self.stack.environ['CHATGATE_PROXY_URL']}/chat"

    def _proved(self, token: str, proof: str | None) -> bytes:
        headers = {"Authorization": f"{'Bearer' if proof is None else 'DPoP'} {token}", "Origin": PAGE}
        if proof is not None:
            headers["DPoP"] = proof
        return request("POST", "/chat", {"message": "How often?"}, headers)


def _changed_jwt(token: str, chance: Random) -> str:
    if chance.random() < 0.7:
        return _other_than(token, chance)
    header, payload, signature = token.split(".")
    made = base64.urlsafe_b64encode(json.dumps(chance.choice(HEADERS)).encode()).rstrip(b"=").decode()
    return chance.choice(
        (
            f"{made}.{payload}.{signature}",
            f"{made}.{payload}.",
            f"{header}.{payload}.",
            f"{payload}.{header}.{signature}",
            f"{header}.{payload}.{signature}=",
            f"{header}.{payload}.{signature}.{signature}",
            f"{header}.{payload}.{'A' * len(signature)}",
            f"{header}..{signature}",
        )
    )


def _other_than(text: str, chance: Random, read: Callable[[str], str] = str) -> str:
    """The text with letters changed, dropped, inserted or rotated, so that `read` gives another value."""
    made = text
    while read(made) == read(text):
        at, letter = chance.randrange(len(text)), chance.choice(LETTERS)
        made = chance.choice(
            (
                text[:at] + letter + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + letter + text[at:],
                text[:at],
                text[at:] + text[:at],
            )
        )
    return made or "-"


@asynccontextmanager
async def holder(stack: Stack) -> AsyncIterator[Holder]:
    [reader] = await stack.readers(1)
    line = await Connection.open(stack.broker.port)
    client = Client(line, stack.issuer, PAGE, "docs", REDIRECT_URI)
    await client.sign_in_as_guest()
    line.close()
    made = Holder(stack, reader, client, "")
    proxy = await Connection.open(stack.proxy.port)
    refused = await proxy.ask(made.question())
    proxy.close()
    made.nonce = refused.headers["dpop-nonce"]
    yield made
