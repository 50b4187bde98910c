"""Asks the Better Auth server itself, by `GET {url}/get-session` with the session's token."""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp

from edge.upstreams import session
from edge.upstreams.session import ForeignSession, Reference, UpstreamUnavailable

WAY: Final = "http"
CONNECTIONS: Final = 20
"""To one server, from one worker; further questions wait for one of them, within their time."""
# The cookie cache would answer for minutes after a sign-out, and a refresh would keep a session alive for
# ever: a look of ours is not a visit of the reader.
_QUERY: Final = "disableCookieCache=true&disableRefresh=true"
# Better Auth chooses the cookie's name by its own `baseURL`, which begins with https even where the services
# ask it at an internal address. It reads the one name and ignores the other.
_COOKIE_NAMES: Final = ("better-auth.session_token", "__Secure-better-auth.session_token")
_ANY_PREFIX: Final = r"[^=;]*\.session_token"


@dataclass(frozen=True, slots=True)
class _Answer:
    """`ends`: it ends the session's cookie. `date` is its header."""

    raw: bytes
    ends: bool
    date: str | None

    @property
    def is_null(self) -> bool:
        return self.raw.strip() == b"null"


class OverHttp:
    """`url` is the server's address with its `basePath`. `seconds` bound each question.

    The token goes as bearer, which a server without the `bearer` plugin ignores; with the server's own
    `secrets` it goes as the signed cookie `cookie_name` too, or under both names that Better Auth gives it.
    A server knows one secret; when it no longer takes that one, the others are tried.
    """

    way = WAY

    def __init__(self, url: str, seconds: float, secrets: Sequence[bytes], cookie_name: str | None) -> None:
        self._address = f"{url.rstrip('/')}/get-session?{_QUERY}"
        self._seconds = seconds
        self._secrets: list[bytes | None] = [*secrets] or [None]
        self._cookie_names = (cookie_name,) if cookie_name else _COOKIE_NAMES
        # A layer before the server sets and ends cookies of its own, which say nothing about the session.
        name = f"(?:__Secure-)?{re.escape(cookie_name)}" if cookie_name else _ANY_PREFIX
        self._end = re.compile(rf"{name}=;.*\bMax-Age=0(?:;|$)", re.IGNORECASE)
        self._session: aiohttp.ClientSession | None = None
        self._is_taken = False
        self._ends_cookies = False

    async def find(self, token: str, now: float) -> ForeignSession | None:
        if not session.TOKEN.fullmatch(token):
            return None
        answer = await self._asked(token)
        if answer.is_null:
            return None
        # The server has judged the expiry by its own clock.
        found = session.parse(answer.raw, now)
        if found is not None and found.token != token:
            # A cache between us and the server has kept it, so it says nothing about this session.
            raise UpstreamUnavailable("get-session answered another session")
        self._is_taken = True
        return found

    async def look(self, reference: Reference, now: float) -> ForeignSession | None:
        found = await self.find(reference.token, now)
        return found if found is not None and found.reference(WAY) == reference else None

    async def describe(self, now: float) -> str:
        answer = await self._asked("0" * 32)
        return f"answers get-session; {session.apart_by(answer.date, now)}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _asked(self, token: str) -> _Answer:
        """An answer about the session. Raises UpstreamUnavailable.

        Better Auth clears the cookie of a session that it does not know. It clears none when it took no token
        from us: without the `bearer` plugin, or with another secret. The `customSession` plugin of 1.6 clears
        none either. So an answer that clears none counts only after the server has taken a token of ours.
        """
        try:
            async with asyncio.timeout(self._seconds):
                for secret in list(self._secrets):
                    answer = await self._answer(token, secret)
                    self._ends_cookies |= answer.ends
                    if answer.ends or not answer.is_null:
                        self._secrets.sort(key=lambda one: one is not secret)
                        return answer
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UpstreamUnavailable(f"get-session: {type(error).__name__}") from None
        if self._ends_cookies or not self._is_taken:
            raise UpstreamUnavailable("get-session took neither the bearer nor the cookie")
        return answer

    async def _answer(self, token: str, secret: bytes | None) -> _Answer:
        """An answer that is surely Better Auth's. Raises UpstreamUnavailable, and what aiohttp raises."""
        headers = self._headers(token, secret)
        async with self._opened().get(self._address, headers=headers, allow_redirects=False) as answer:
            kind = answer.content_type
            if answer.status != 200 or kind != "application/json":
                raise UpstreamUnavailable(f"get-session answered {answer.status} with {kind}")
            # One byte more than is read tells that there is more.
            raw = await _body(answer.content, session.MAX_RECORD + 1)
            if len(raw) > session.MAX_RECORD:
                raise UpstreamUnavailable("get-session answered more than a session")
            ends = any(self._end.match(one) for one in answer.headers.getall("Set-Cookie", ()))
            return _Answer(raw, ends, answer.headers.get("Date"))

    def _headers(self, token: str, secret: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        if secret is not None:
            mac = base64.b64encode(hmac.digest(secret, token.encode(), hashlib.sha256)).decode()
            value = quote(f"{token}.{mac}", safe="")
            headers["Cookie"] = "; ".join(f"{name}={value}" for name in self._cookie_names)
        return headers

    def _opened(self) -> aiohttp.ClientSession:
        # Made at the first question, as there is no event loop before.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
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
