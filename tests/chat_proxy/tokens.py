"""The broker as the proxy knows it: readers' tokens, and the key set that they are verified with."""

import asyncio
import contextlib
import time
from typing import Any

from tests.tokens.signing import HEADER, JWKS, sign

SUB = "3fBBUxbqlMcvOuLvTBppoIkCzqNfYopz"
OTHER_SUB = "Xy9BUxbqlMcvOuLvTBppoIkCzqNfYop0"
AUDIENCE = "http://127.0.0.1:8001"
ISSUER = "http://127.0.0.1:8000"
METADATA = f'resource_metadata="{AUDIENCE}/.well-known/oauth-protected-resource"'
ALGS = 'algs="ES256 EdDSA Ed25519"'


class Publisher:
    """The broker's key set, and how often it was asked for. It answers once `may_answer` is set."""

    def __init__(self) -> None:
        self.fetches = 0
        self.document = JWKS
        self.is_away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/jwks"

    async def stop(self) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.fetches += 1
            await self.may_answer.wait()
            if not self.is_away:
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.document)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + self.document)
        writer.close()


def token(*, kid: str = "k1", **changes: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "sub": SUB,
        "aud": AUDIENCE,
        "client_id": "docs",
        "iat": now,
        "exp": now + 300,
        "jti": "Zk1f8oQm",
        "sid": "s1",
        "scope": "chat history",
        "tier": "reader",
    }
    return sign({**payload, **changes}, {**HEADER, "kid": kid})
