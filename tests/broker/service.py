"""What tests that speak HTTP to a broker say again and again; their fixtures are in conftest.py."""

import itertools

ISSUER = "http://127.0.0.1:8000"
SITE = "https://owner.github.io"
OTHER_SITE = "https://other.example"
PASSWORD = "correct horse battery"
SECRET = "a secret of the tests, 32 bytes or more"

TOML = f"""
env = "development"
[sites.docs]
origins = ["{SITE}"]
backend = "book"
session_bearer = true
guests = true
[sites.other]
origins = ["{OTHER_SITE}"]
backend = "book"
tier = "gold"
[tiers.gold]
[backends.book]
url = "http://127.0.0.1:8002"
"""


_NUMBERS = itertools.count()


async def sign_up(page, email=None, **more):
    email = email or f"reader{next(_NUMBERS)}@example.com"
    body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD, **more}
    answer = await page.post("/api/auth/sign-up/email", json=body)
    assert answer.status_code == 200, answer.text
    return answer


async def sign_in(page, email, password=PASSWORD, **more):
    body = {"email": email, "password": password, **more}
    return await page.post("/api/auth/sign-in/email", json=body)


async def session_of(page):
    answer = await page.get("/api/auth/get-session")
    assert answer.status_code == 200
    return answer.json()


def code(answer):
    return answer.status_code, answer.json()["code"]
