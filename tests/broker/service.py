"""Constants and requests that tests of a broker over HTTP share; their fixtures are in conftest.py."""

import itertools
from typing import Any

import httpx

ISSUER = "http://127.0.0.1:8000"
SITE = "https://owner.github.io"
OTHER_SITE = "https://other.example"
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"
SECRET = "a secret of the tests, 32 bytes or more"
CALLBACK = f"{SITE}/book/signed-in"
OTHER_CALLBACK = f"{OTHER_SITE}/signed-in?from=chat"
GATEWAY = ("gateway", "the gateway's secret, which is as long")
OTHER_GATEWAY = ("other-gateway", "the other gateway's secret, as long")

TOML = f"""
env = "development"
[sites.docs]
origins = ["{SITE}"]
redirect_uris = ["{CALLBACK}"]
backend = "book"
session_bearer = true
guests = true
[sites.other]
origins = ["{OTHER_SITE}"]
redirect_uris = ["{OTHER_CALLBACK}"]
backend = "book"
tier = "gold"
[tiers.gold]
[resource_servers.gateway]
secret = "{GATEWAY[1]}"
[resource_servers.other-gateway]
secret = "{OTHER_GATEWAY[1]}"
sites = ["other"]
[backends.book]
url = "http://127.0.0.1:8002"
"""


_NUMBERS = itertools.count()


async def sign_up(page: httpx.AsyncClient, email: str | None = None, **more: Any) -> httpx.Response:
    email = email or f"reader{next(_NUMBERS)}@example.com"
    body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD, **more}
    answer = await page.post("/api/auth/sign-up/email", json=body)
    assert answer.status_code == 200, answer.text
    return answer


async def sign_in(
    page: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: Any
) -> httpx.Response:
    body = {"email": email, "password": password, **more}
    return await page.post("/api/auth/sign-in/email", json=body)


async def session_of(page: httpx.AsyncClient) -> Any:
    answer = await page.get("/api/auth/get-session")
    assert answer.status_code == 200
    return answer.json()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
