"""Books to read and index, and requests as the chat proxy makes them."""

import base64
import hashlib
import json
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import jwt

from rag_backend.app import create_app
from rag_backend.config import Config

SAMPLE = Path(__file__).parents[2] / "examples" / "book"
SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_796_000_000
CLAIMS = {"iss": "chatgate-proxy", "aud": "chatgate-backend", "iat": NOW, "exp": NOW + 60}
HEADER = {"alg": "HS256", "typ": "chatgate-internal+jwt"}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(payload, header=HEADER, secret=SECRET):
    """Signs whatever it is given, so that only the rule under test can refuse it."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    text = f"{b64(parts[0])}.{b64(parts[1])}"
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{text}.{b64(hmac.sign(text.encode(), secret))}"


def digest(body):
    return b64(hashlib.sha256(body).digest())


def question(message="How often should I calibrate?", **members):
    return json.dumps(
        {"message": message, "mode": "normal", "selected_text": None, "history": [], **members}
    ).encode()


def proved(body, **headers):
    token = sign({**CLAIMS, "body_sha256": digest(body)})
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}


@asynccontextmanager
async def backend(index, log=None, **settings):
    """A client of a running backend, which does not raise the application's own faults."""
    app = create_app(Config(SECRET, index=index, **settings), log, now=lambda: NOW)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
            yield client


def events(text):
    """The events of a stream as pairs of a name and its data."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]
