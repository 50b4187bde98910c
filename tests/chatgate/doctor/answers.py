"""Refusals as the services and others write them, for rules that read them."""

import json
from email.utils import formatdate
from typing import Any

from starlette.datastructures import Headers

from chatgate.doctor.client import Answer
from chatgate.doctor.services.service import Service

NOW = 1_800_000_000
BROKER = Service("broker", "https://auth.example.org", {"issuer": "https://auth.example.org"})
PROXY = Service(
    "chat proxy",
    "https://chat.example.org",
    {"resource": "https://chat.example.org", "authorization_servers": ["https://auth.example.org"]},
)
GOOD = {
    "iss": BROKER.url,
    "aud": PROXY.url,
    "client_id": "docs",
    "tier": "reader",
    "iat": NOW,
    "exp": NOW + 300,
}


def answer(
    code: str = "invalid_token",
    *,
    challenge: bool = True,
    date: float | None = NOW,
    detail: str = "No.",
    url: str = PROXY.url,
    age: int | str | None = None,
    **members: Any,
) -> Answer:
    headers = {"Date": formatdate(date, usegmt=True)} if date is not None else {}
    if challenge:
        headers["WWW-Authenticate"] = f'DPoP error="{code}", resource_metadata="x"'
    if age is not None:
        headers["Age"] = str(age)
    body = json.dumps({"code": code, "detail": detail, **members}).encode() if code else b"<h1>No</h1>"
    return Answer(url, 401, Headers(headers), body, True, NOW)
