"""Books to read and index, and requests as the chat proxy makes them."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt

from rag_backend.app import create_app
from rag_backend.config import Config

SAMPLE = Path(__file__).parents[2] / "examples" / "book"
SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_796_000_000
CLAIMS = {"iss": "chatgate-proxy", "aud": "chatgate-backend", "iat": NOW, "exp": NOW + 60}
HEADER = {"alg": "HS256", "typ": "chatgate-internal+jwt"}

# A book of a few pages, where a word of the subject stands in most passages.
OVEN = {
    "01-start.md": """# The oven

This oven takes four weekends to build.

## The place

Put the oven out of the wind, three metres from the house.
""",
    "02-materials.md": """# Materials

| Material | Amount | For |
| --- | --- | --- |
| Fire brick | 120 | the floor and the dome of the oven |
| Red brick | 80 | the stand |

:::tip[Buy second-hand]

Old bricks from a demolition yard are a third of the price. Knock off the mortar and look for cracks.

:::

## How many sacks

| Sack | Number |
| --- | --- |
| Sand | 6 |
| Cement | 2 |
""",
    "03-insulation.md": """# Insulation

The oven loses its heat upwards.

## Perlite

A 100-litre sack of perlite is 19 euros. Mix it with cement, ten to one.
""",
    "04-firing.md": """# Firing

Dry the oven for a week with small fires.
""",
    "05-baking.md": """# Baking

## Pizza

A pizza wants the oven's floor at 400 °C and is done in 90 seconds.

## Bread

Rake out the embers and bake bread in the oven at 230 °C.
""",
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(payload: Any, header: Any = HEADER, secret: bytes = SECRET) -> str:
    """Signs whatever it is given, so that only the rule under test can refuse it."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    text = f"{b64(parts[0])}.{b64(parts[1])}"
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{text}.{b64(hmac.sign(text.encode(), secret))}"


def digest(body: bytes) -> str:
    return b64(hashlib.sha256(body).digest())


def question(message: Any = "How often should I calibrate?", **members: Any) -> bytes:
    return json.dumps(
        {"message": message, "mode": "normal", "selected_text": None, "history": [], **members}
    ).encode()


def proved(body: bytes, **headers: Any) -> dict[str, str]:
    token = sign({**CLAIMS, "body_sha256": digest(body)})
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}


@asynccontextmanager
async def backend(
    index: Path, log: Any = None, waits: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running backend, which does not raise the application's own faults. `waits` are the times
    that `create_app` takes."""
    app = create_app(Config(SECRET, index=index, **settings), log, now=lambda: NOW, **(waits or {}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
            yield client


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream as pairs of a name and its data, comments left out."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def is_problem(response: httpx.Response, status: int, code: str) -> bool:
    assert (response.status_code, response.json()["code"]) == (status, code)
    return response.headers["content-type"] == "application/problem+json"
