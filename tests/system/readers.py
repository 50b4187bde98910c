"""Readers of two sites with all that a reader can hold, each judged where it may be shown."""

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from tests.oauth import OAuthSite, oauth_site
from tests.system.stack import PAGE, QUESTION
from tests.trust import TRUST

OTHER_PAGE = "http://127.0.0.1:3001"
CALLBACKS = {"docs": f"{PAGE}/signed-in", "other": f"{OTHER_PAGE}/signed-in"}
GATEWAY = ("gateway", "the-gateways-secret-of-these-tests")
PASSWORD = "a-tall-ship-and-a-star"
TWO_SITES = f"""
env = "development"
[sign_in]
attempts_per_address = 100000
attempts_per_account = 1000
sign_ups_per_address = 100000
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{CALLBACKS["docs"]}"]
backend = "book"
session_bearer = true
guests = true
[sites.other]
origins = ["{OTHER_PAGE}"]
redirect_uris = ["{CALLBACKS["other"]}"]
backend = "book"
[resource_servers.gateway]
secret = "{GATEWAY[1]}"
[backends.book]
url = "http://127.0.0.1:8002"
"""


def claims_of(token: str) -> Any:
    """The claims of a JWT, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


@dataclass
class Places:
    """Where what a reader holds may be shown: True where it is good, and False for the one right refusal."""

    broker: str
    proxy: str
    http: httpx.AsyncClient

    async def access(self, token: str) -> bool:
        """At the proxy and at introspection, which have to agree."""
        headers = {"Authorization": f"Bearer {token}"}
        asked = await self.http.post(f"{self.proxy}/chat", json=QUESTION, headers=headers)
        introspected = await self.http.post(
            f"{self.broker}/oauth2/introspect", data={"token": token}, auth=GATEWAY
        )
        is_good = _judged(asked, 401, "code", "invalid_token")
        assert introspected.status_code == 200
        assert introspected.json()["active"] == is_good
        return is_good

    async def cookie(self, page: httpx.AsyncClient) -> bool:
        """At the broker; the tokens that it gives have to be good."""
        answer = await page.get(f"{self.broker}/auth/token")
        if not _judged(answer, 401, "code", "unauthenticated"):
            return False
        assert await self.access(answer.json()["token"])
        return True

    async def refresh(self, site: OAuthSite, refresh_token: str) -> bool:
        """At the token endpoint; the tokens that it gives have to be good."""
        answer = await site.refresh(refresh_token)
        if not _judged(answer, 400, "error", "invalid_grant"):
            return False
        assert await self.access(answer.json()["access_token"])
        return True

    async def code(self, site: OAuthSite, code: str) -> bool:
        """At the token endpoint; what it gives is all good or all dead."""
        answer = await site.redeem(code)
        return _judged(answer, 400, "error", "invalid_grant") and await self.tokens(site, answer.json())

    async def tokens(self, site: OAuthSite, tokens: Mapping[str, str]) -> bool:
        found = [
            await self.access(tokens["access_token"]),
            await self.refresh(site, tokens["refresh_token"]),
        ]
        assert found[0] == found[1]
        return found[0]


def _judged(answer: httpx.Response, status: int, member: str, code: str) -> bool:
    if answer.status_code == 200:
        return True
    assert answer.status_code == status, answer.text
    assert answer.json()[member] == code
    return False


@dataclass
class Holdings:
    """The credentials of one reader: two browsers with cookies on `docs`, and on either site the tokens of a
    code and a code that was not redeemed yet."""

    email: str
    places: Places
    browsers: list[httpx.AsyncClient]
    sites: dict[str, OAuthSite]
    access: dict[str, str]
    refresh: dict[str, str]
    codes: dict[str, str]

    async def living(self) -> set[str]:
        """The names of what is good. It is used up by that."""
        found = set()
        for name, token in self.access.items():
            if await self.places.access(token):
                found.add(f"{name} access")
        for name, browser in zip(("cookie", "second"), self.browsers, strict=True):
            if await self.places.cookie(browser):
                found.add(name)
        for name, token in self.refresh.items():
            if await self.places.refresh(self.sites[name], token):
                found.add(f"{name} refresh")
        for name, code in self.codes.items():
            if await self.places.code(self.sites[name], code):
                found.add(f"{name} code")
        return found


COOKIE = {"cookie", "cookie access", "cookie narrowed access"}
SECOND = {"second", "second access"}
DOCS = {"docs refresh", "docs access", "docs narrowed access"}
OTHER = {"other refresh", "other access"}
CODES = {"docs code", "other code"}
ALL = COOKIE | SECOND | DOCS | OTHER | CODES


async def browser(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(
        httpx.AsyncClient(headers={"Origin": PAGE}, timeout=15, verify=TRUST)
    )


async def reader(stack: AsyncExitStack, places: Places, email: str) -> Holdings:
    """A new account, with everything."""
    browsers = [await browser(stack), await browser(stack)]
    account = {"email": email, "password": PASSWORD}
    for path, page, more in zip(("sign-up", "sign-in"), browsers, ({"name": "Ada"}, {}), strict=True):
        answer = await page.post(f"{places.broker}/api/auth/{path}/email", json=account | more)
        assert answer.status_code == 200, answer.text
    sites = {
        name: await stack.enter_async_context(oauth_site(places.broker, name, callback))
        for name, callback in CALLBACKS.items()
    }
    tokens = {name: await site.signed_in(email, PASSWORD) for name, site in sites.items()}
    access = {name: found["access_token"] for name, found in tokens.items()}
    for name, page in zip(("cookie", "second"), browsers, strict=True):
        access[name] = (await page.get(f"{places.broker}/auth/token")).json()["token"]
    for name in ("cookie", "docs"):
        narrowed = await sites["docs"].exchange(access[name], scope="chat")
        access[f"{name} narrowed"] = narrowed.json()["access_token"]
    refresh = {name: found["refresh_token"] for name, found in tokens.items()}
    codes = dict(
        zip(
            sites, await asyncio.gather(*(site.code(email, PASSWORD) for site in sites.values())), strict=True
        )
    )
    return Holdings(email, places, browsers, sites, access, refresh, codes)
