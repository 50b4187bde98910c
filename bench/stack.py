"""The services under measurement, as processes of their own, with real Valkey and the bench's own backend."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import load
from bench.http1 import request
from bench.load import Generator
from bench.processes import (
    HERE,
    Build,
    Service,
    environment,
    free_ports,
    index_book,
    known_to,
    serving,
    store,
    url_of,
)

PAGE: Final = "https://docs.example.org"
REDIRECT_URI: Final = f"{PAGE}/signed-in"
BOOK_PAGE: Final = "https://book.example.org"
PASSWORD: Final = "a-tall-ship-and-a-star"
ACCOUNTS: Final = 200
AT_ONCE: Final = 8
"""Sign-ins that are under way together; fewer than the broker lets wait for a hash before it refuses more."""

# The limits are as wide as a configuration may make them: a refusal is quick, and measures nothing.
_LIMITS = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 1000000\n"
_TOML = f"""
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{REDIRECT_URI}"]
backend = "bench"
guests = true
daily_questions = 10000000
open_streams = 100000
[sites.book]
origins = ["{BOOK_PAGE}"]
backend = "book"
guests = true
daily_questions = 10000000
open_streams = 100000
[tiers.reader]
{_LIMITS}
[tiers.guest]
{_LIMITS}
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A signed-in reader: the session's cookie, and a token that is valid for five minutes."""

    cookie: str
    token: str

    def question(self, message: str, *, events: bool = False, page: str = PAGE) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Origin": page}
        if events:
            headers["Accept"] = "text/event-stream"
        return request("POST", "/chat", {"message": message, "mode": "normal"}, headers)

    def token_request(self) -> bytes:
        return request("GET", "/auth/token", headers={"Cookie": self.cookie, "Origin": PAGE})

    def sign_out(self) -> bytes:
        return request("POST", "/api/auth/sign-out", {}, {"Cookie": self.cookie, "Origin": PAGE})


@dataclass
class Stack:
    """Broker, proxy and backends over one Valkey, until the end of the `stack` block. `environ` is their
    environment."""

    folder: Path
    build: Build
    store: Service
    broker: Service
    proxy: Service
    backend: Service
    book: Service
    floor: Service
    load: Generator
    redis_url: str
    environ: dict[str, str]
    emails: list[str] = field(default_factory=list)
    _cookies: list[str] = field(default_factory=list)

    def readers(self, count: int) -> list[Reader]:
        """Readers with accounts of their own, at most ACCOUNTS, and fresh tokens."""
        if not self._cookies:
            self.renew()
        found: list[Reader] = self.load.call(with_tokens, self.broker.port, self._cookies[:count], PAGE)
        return found

    def renew(self) -> None:
        """Make ACCOUNTS readers, who replace those whose sessions may have been ended. They get new accounts,
        because sign-ins would exhaust the address's limit of a minute."""
        self.emails = [f"{secrets.token_hex(8)}@example.org" for _ in range(ACCOUNTS)]
        asked = [sign_up(email, PAGE) for email in self.emails]
        answers = self.load.call(load.ask_all, self.broker.port, asked, 8)
        self._cookies = [cookie_of(answer) for answer in answers]

    def sign_ins(self, count: int) -> list[bytes]:
        """Requests that sign in `count` readers with distinct accounts."""
        return [sign_in(email, PAGE) for email in self.emails[:count]]

    def guests(self, count: int, page: str = PAGE) -> list[Reader]:
        asked = [guest(page)] * count
        found: list[Reader] = self.load.call(signed_in, self.broker.port, asked, page)
        return found


def sign_up(email: str, page: str) -> bytes:
    """The request that makes an account."""
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    return request("POST", "/api/auth/sign-up/email", body, {"Origin": page})


def sign_in(email: str, page: str) -> bytes:
    body = {"email": email, "password": PASSWORD}
    return request("POST", "/api/auth/sign-in/email", body, {"Origin": page})


def guest(page: str) -> bytes:
    """The request that opens a session without an account."""
    return request("POST", "/api/auth/sign-in/anonymous", {}, {"Origin": page})


async def signed_in(port: int, asked: Sequence[bytes], page: str) -> list[Reader]:
    """Send requests that each sign a reader in at `page`, and get their tokens."""
    answers = await load.ask_all(port, asked, AT_ONCE)
    return await with_tokens(port, [cookie_of(answer) for answer in answers], page)


async def with_tokens(port: int, cookies: Sequence[str], page: str) -> list[Reader]:
    asked = [request("GET", "/auth/token", headers={"Cookie": cookie, "Origin": page}) for cookie in cookies]
    answers = await load.ask_all(port, asked, AT_ONCE)
    return [Reader(cookie, answer.json()["token"]) for cookie, answer in zip(cookies, answers, strict=True)]


def cookie_of(answer: load.Answer) -> str:
    assert answer.status == 200, (answer.status, answer.body)
    return answer.headers["set-cookie"].partition(";")[0]


@contextmanager
def stack(build: Build = HERE, *, toml: str = "", **more: str) -> Iterator[Stack]:
    """The services of `build`; the bench's own backend and floor are always of this source. `toml` is added
    to the configuration, `more` to the services' environment."""
    # A short name, because a unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cgbench"))
    try:
        with ExitStack() as running:
            yield _start(folder, running, build, toml, more)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, running: ExitStack, build: Build, toml: str, more: dict[str, str]) -> Stack:
    ports = dict(
        zip(("broker", "chat_proxy", "bench.backend", "rag_backend", "floor"), free_ports(5), strict=True)
    )
    environ = known_to(build, environment(folder, _TOML + toml, ports) | more)
    index_book(folder, environ, build)
    start = running.enter_context
    kept = start(store(folder, environ))

    def service(name: str) -> Service:
        return start(serving(folder, environ, ports[name], "/readyz", name, build=build))

    def ours(name: str, *arguments: str) -> Service:
        return start(serving(folder, environ, ports[name], "/", *arguments))

    backend = ours("bench.backend", "bench.backend", str(ports["bench.backend"]))
    return Stack(
        folder=folder,
        build=build,
        store=kept,
        broker=service("broker"),
        proxy=service("chat_proxy"),
        backend=backend,
        book=service("rag_backend"),
        floor=ours(
            "floor",
            "bench.floor",
            str(ports["floor"]),
            url_of(ports["bench.backend"]),
            environ["REDIS_URL"],
        ),
        load=start(Generator()),
        redis_url=environ["REDIS_URL"],
        environ=environ,
    )
