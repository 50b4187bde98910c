"""Asks the Better Auth server itself, by `GET {url}/get-session` with the session's token."""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import aiohttp

from edge.upstreams import session
from edge.upstreams.session import ForeignSession, Reference, UpstreamUnavailable

WAY: Final = "http"
CONNECTIONS: Final = 20
"""To one server, from one worker; further questions wait for one of them, within their time."""
# The cookie cache would answer for minutes after a sign-out, and a refresh would keep a session alive for
# ever: our looking is no use of the site.
_QUERY: Final = "disableCookieCache=true&disableRefresh=true"
# Better Auth chooses by its own `baseURL`, which is an https one also where the services ask at an address
# inside. It reads the one and ignores the other.
_COOKIE_NAMES: Final = ("better-auth.session_token", "__Secure-better-auth.session_token")
# A balancer before the server sets cookies of its own, which ends none.
_END: Final = re.compile(r"^[^=]+=;.*\bMax-Age=0(?:;|$)", re.IGNORECASE)


class OverHttp:
    """`url` is the server's address with its `basePath`. `seconds` bound each question.

    The token goes as bearer, which a server without the `bearer` plugin ignores; with the server's own
    `secret` it goes as the signed cookie `cookie_name` too, or under both names that Better Auth gives it.
    """

    way = WAY

    def __init__(self, url: str, seconds: float, secret: bytes | None, cookie_name: str | None) -> None:
        self._address = f"{url.rstrip('/')}/get-session?{_QUERY}"
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._secret = secret
        self._cookie_names = (cookie_name,) if cookie_name else _COOKIE_NAMES
        self._session: aiohttp.ClientSession | None = None
        self._is_taken = False
        self._ends_cookies = False

    async def find(self, token: str, now: float) -> ForeignSession | None:
        if not session.TOKEN.fullmatch(token):
            return None
        async with self._answer(token) as answer:
            raw = await self._judged(answer)
        if raw.strip() == b"null":
            self._require_taken(answer)
            return None
        found = session.parse(raw, now)
        # The server has judged the expiry by its own clock. Another session than the one that was asked for
        # would be one that something between us and the server has kept.
        if found is None or found.token != token:
            return None
        self._is_taken = True
        return found

    async def look(self, reference: Reference, now: float) -> ForeignSession | None:
        found = await self.find(reference.token, now)
        return found if found is not None and found.reference(WAY) == reference else None

    async def describe(self, now: float) -> str:
        async with self._answer("0" * 32) as answer:
            await self._judged(answer)
            self._require_taken(answer)
            return f"answers get-session; {session.apart_by(answer.headers.get('Date'), now)}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _answer(self, token: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises UpstreamUnavailable, also for what fails in the block."""
        try:
            async with self._opened().get(
                self._address, headers=self._headers(token), allow_redirects=False
            ) as answer:
                yield answer
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UpstreamUnavailable(f"get-session: {type(error).__name__}") from None

    async def _judged(self, answer: aiohttp.ClientResponse) -> bytes:
        """The body of an answer that is surely Better Auth's. Raises UpstreamUnavailable."""
        kind = answer.content_type
        if answer.status != 200 or kind != "application/json":
            raise UpstreamUnavailable(f"get-session answered {answer.status} with {kind}")
        # One byte more than is read tells that there is more.
        raw = await _body(answer.content, session.MAX_RECORD + 1)
        if len(raw) > session.MAX_RECORD:
            raise UpstreamUnavailable("get-session answered more than a session")
        return raw

    def _require_taken(self, answer: aiohttp.ClientResponse) -> None:
        """Check that `null` is about the session. Raises UpstreamUnavailable.

        Better Auth ends the cookies of a session that it has not. It ends none when it took no token from us:
        without the `bearer` plugin, or with another secret. Nor does the `customSession` plugin of 1.6, so a
        server that ends none counts once it has taken a token.
        """
        if any(_END.search(one) for one in answer.headers.getall("Set-Cookie", ())):
            self._ends_cookies = True
        elif self._ends_cookies or not self._is_taken:
            raise UpstreamUnavailable("get-session took neither the bearer nor the cookie")

    def _headers(self, token: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        if self._secret is not None:
            mac = base64.b64encode(hmac.digest(self._secret, token.encode(), hashlib.sha256)).decode()
            value = quote(f"{token}.{mac}", safe="")
            headers["Cookie"] = "; ".join(f"{name}={value}" for name in self._cookie_names)
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        # Made at the first question, as there is no event loop before.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def _body(content: asyncio.StreamReader | aiohttp.StreamReader, most: int) -> bytes:
    """All of it, or its first `most` bytes."""
    found = b""
    while len(found) < most:
        more = await content.read(most - len(found))
        if not more:
            break
        found += more
    return found
