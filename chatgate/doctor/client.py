"""The HTTP client of the doctor: every answer is bounded in size, time and redirects, as the site may be a
stranger's. It keeps no cookies, and sends nothing but what its caller gives it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from starlette.datastructures import Headers

from chatgate.doctor.addresses import origin_of

REQUEST_WITHIN: Final = 15.0
"""Seconds for one answer with its body; the widget waits as long for the broker."""
ANSWER_WITHIN: Final = 150.0
"""Seconds for a streamed answer: those that the proxy gives one, and some for its way."""
MAX_ANSWER: Final = 65_536
"""Bytes of an answer of a service; its largest document has a few thousand."""
MAX_PAGE: Final = 2_097_152
MAX_SCRIPT: Final = 8_388_608
MAX_REDIRECTS: Final = 5
MAX_REQUESTS: Final = 200
"""In one examination, so that no page can make the doctor ask on and on."""

Reason = Literal["name", "connection", "certificate", "timeout", "answer"]


class Unreachable(Exception):
    """No answer came. The text says why and has nothing that a server wrote."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` has at most as many bytes as were asked for, and `is_whole` says whether that was all. `at` is
    when the head came, in seconds since the epoch by this machine's clock."""

    url: str
    status: int
    headers: Headers
    body: bytes
    is_whole: bool
    at: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def json(self) -> dict[str, Any]:
        """The members of a JSON object; none if it is not one."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def code(self) -> str:
        """The stable code of a service's error (docs/http.md); empty for any other answer."""
        members = self.json()
        code = members.get("code", members.get("error"))
        if isinstance(code, dict):
            # Below /v1/ the chat proxy's errors have OpenAI's shape.
            code = code.get("code")
        return code if isinstance(code, str) else ""

    @property
    def detail(self) -> str:
        members = self.json()
        detail = members.get("detail", members.get("error_description"))
        return detail if isinstance(detail, str) else ""

    @property
    def location(self) -> str | None:
        """The address that a redirect leads to; None for any other answer, and for no HTTP address."""
        if self.status not in (301, 302, 303, 307, 308):
            return None
        target = urljoin(self.url, self.headers.get("Location", self.url))
        return target if urlsplit(target).scheme in ("http", "https") else None


@dataclass(slots=True)
class Client:
    """`now` is seconds since the epoch. Use it as an asynchronous context manager."""

    now: Callable[[], float]
    agent: str
    sent: int = 0
    last: dict[str, Answer] = field(default_factory=dict)
    """The last answer of each origin, without its body."""
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolver: AbstractResolver | None = None
    """Where names lead; None for this machine's."""
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self.tls, resolver=self.resolver, limit_per_host=4),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self.agent},
            timeout=aiohttp.ClientTimeout(total=REQUEST_WITHIN),
        )
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most: int = MAX_ANSWER,
    ) -> Answer:
        """One request; a redirect is an answer like any other. Raises Unreachable."""
        async with self.opened(method, url, headers, body) as response:
            at = self.now()
            held, is_whole = await read(response, most)
        answer = Answer(url, response.status, headers_of(response), held, is_whole, at)
        self.last[origin_of(url)] = replace(answer, body=b"")
        return answer

    async def follow(self, url: str, most: int = MAX_PAGE) -> list[Answer]:
        """The answers of a navigation, the page's last. Raises Unreachable."""
        chain: list[Answer] = []
        target: str | None = url
        while target is not None:
            if len(chain) > MAX_REDIRECTS:
                raise Unreachable("answer", f"it redirects more than {MAX_REDIRECTS} times")
            chain.append(await self.send("GET", target, most=most))
            target = chain[-1].location
        return chain

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        within: float = REQUEST_WITHIN,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response whose body has not been read yet. Raises Unreachable."""
        if self._session is None or self.sent >= MAX_REQUESTS:
            raise Unreachable("answer", f"more than {MAX_REQUESTS} requests would be needed")
        self.sent += 1
        with _translated():
            response = await self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=within),
            )
        try:
            yield response
        finally:
            response.close()


def headers_of(response: aiohttp.ClientResponse) -> Headers:
    """All fields, those that are there twice as well."""
    return Headers(raw=[(name.lower(), value) for name, value in response.raw_headers])


async def read(response: aiohttp.ClientResponse, most: int = MAX_ANSWER) -> tuple[bytes, bool]:
    """At most `most` bytes of a body, and whether that was all of it. Raises Unreachable."""
    held = bytearray()
    with _translated():
        while chunk := await response.content.read(65_536):
            held += chunk
            if len(held) > most:
                return bytes(held[:most]), False
    return bytes(held), True


class _translated:
    """Turns the exceptions of the library into Unreachable."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, Unreachable) or error is None:
            return
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            raise Unreachable("name", "no server has this name (DNS)") from None
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            raise Unreachable("certificate", _reason(error.certificate_error)) from None
        if isinstance(error, aiohttp.ClientSSLError):
            raise Unreachable("certificate", "it speaks no TLS that can be understood") from None
        if isinstance(error, TimeoutError | asyncio.TimeoutError):
            raise Unreachable("timeout", "it did not answer in time") from None
        if isinstance(error, aiohttp.ClientConnectorError):
            raise Unreachable("connection", "nothing accepts connections there") from None
        if isinstance(error, aiohttp.ClientError | ValueError):
            raise Unreachable("answer", f"no HTTP answer came ({type(error).__name__})") from None


def _reason(error: BaseException) -> str:
    reason = getattr(error, "verify_message", "")
    return str(reason) or "its certificate is not good"
