"""A token issuer that a test has in its hands: JWKS and introspection over HTTP, in threads of their own."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


@dataclass
class Issuer:
    """`asked` counts requests by their path. `trouble` takes the place of an answer: a status, bytes, or an
    event until which nothing is said."""

    url: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    is_active: object = True
    trouble: int | bytes | threading.Event | None = None
    asked: dict[str, int] = field(default_factory=dict)

    @property
    def jwks(self) -> dict[str, Any]:
        jwk = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**jwk, "kid": "k1", "alg": "ES256", "use": "sig"}]}

    def token(
        self, audience: str, key: Any = None, header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A claim or member of the header that is None is left out."""
        now = int(time.time())
        found = {"iss": self.url, "sub": "s" * 32, "aud": audience, "client_id": "docs", "iat": now}
        found |= {"exp": now + 300, "jti": "j", "sid": "i", "scope": "chat history"} | claims
        payload = {name: value for name, value in found.items() if value is not None}
        head = {"typ": "at+jwt", "kid": "k1", "alg": "ES256"} | dict(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        key = None if head["alg"] == "none" else key or self.key
        return jwt.encode(payload, key, algorithm=head["alg"], headers=head)


@contextmanager
def running() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(issuer.jwks)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"active": issuer.is_active})

        def answer(self, members: Mapping[str, Any]) -> None:
            issuer.asked[self.path] = issuer.asked.get(self.path, 0) + 1
            if isinstance(issuer.trouble, threading.Event):
                issuer.trouble.wait(20)
                return
            body = json.dumps(members).encode() if issuer.trouble is None else issuer.trouble
            self.send_response(body if isinstance(body, int) else 200)
            sent = b"" if isinstance(body, int) else body
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
