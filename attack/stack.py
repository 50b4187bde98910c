"""The services under attack: broker, chat proxy and reference backend as processes of their own over a real
Valkey. They have the limits of production except those of an address, because all requests here come from
one."""

import base64
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.load import Generator
from bench.processes import Service, environment, free_ports, index_book, serving, store, url_of
from bench.stack import BOOK_PAGE, PAGE, REDIRECT_URI, Reader, guest, sign_up, signed_in

GATEWAY: Final = "gateway"
ODD: Final = "odd"
ODD_PAGE: Final = "https://odd.example.org"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one reader at one site."""

    site: str
    page: str
    per_minute: int
    burst: int
    concurrent: int


SLOW: Final = Limits("slow", "https://slow.example.org", 60, 4, 2)
FAST: Final = Limits("fast", "https://fast.example.org", 240, 6, 3)
OPEN_STREAMS: Final = 4
"""Answers of all readers together that may run at once at each of these two sites."""


def toml(*limits: Limits) -> str:
    """One site with limits as wide as a configuration may make them, and one for each of `limits`."""
    wide = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 1000000\n"
    return "".join(
        (
            # All searches come from one address, and the failures of one must not stop the next.
            "[redis]\ndeadline_seconds = 2.0\n[sign_in]\nattempts_per_address = 100000\n",
            "attempts_per_account = 1000\nfailures_per_address = 100000\n",
            _site("docs", PAGE, "reader", f'redirect_uris = ["{REDIRECT_URI}"]\nopen_streams = 100000\n'),
            # The questions of this site go to the reference backend.
            _site("book", BOOK_PAGE, "reader", "open_streams = 100000\n", backend="book"),
            # A search is the backend of this site.
            _site("odd", ODD_PAGE, "reader", "open_streams = 100000\n", backend=ODD),
            f"[tiers.reader]\n{wide}[tiers.guest]\n{wide}[resource_servers.{GATEWAY}]\n",
            *(_limited(one) for one in limits),
        )
    )


def _site(name: str, page: str, tier: str, more: str, *, backend: str = "bench") -> str:
    return (
        f'[sites.{name}]\norigins = ["{page}"]\nbackend = "{backend}"\nguests = true\ntier = "{tier}"\n'
        f"daily_questions = 10000000\n{more}"
    )


def _limited(limits: Limits) -> str:
    return (
        _site(limits.site, limits.page, limits.site, f"open_streams = {OPEN_STREAMS}\n")
        + f"[tiers.{limits.site}]\nquestions_per_minute = {limits.per_minute}\nburst = {limits.burst}\n"
        + f"concurrent = {limits.concurrent}\ndaily_questions = 1000000\n"
    )


@dataclass(frozen=True, slots=True)
class Stack:
    """The services, until the end of the `stack` block. `environ` is their environment; `load` is a process
    of its own for measurements. At `odd_port` the proxy expects the backend of the site at ODD_PAGE."""

    folder: Path
    broker: Service
    proxy: Service
    book: Service
    load: Generator
    odd_port: int
    environ: dict[str, str]

    @property
    def socket(self) -> str:
        """The path of the Valkey server's socket."""
        return str(self.folder / "s")

    @property
    def issuer(self) -> str:
        """The broker's public address."""
        return self.environ["CHATGATE_BROKER_URL"]

    @property
    def secret(self) -> str:
        """The secret of the resource server GATEWAY."""
        return self.environ["CHATGATE_RESOURCE_SERVERS_GATEWAY_SECRET"]

    @property
    def services(self) -> dict[str, Service]:
        return {"broker": self.broker, "chat_proxy": self.proxy}

    async def readers(self, count: int, page: str = PAGE) -> list[Reader]:
        """Readers with accounts of their own and fresh tokens."""
        asked = [sign_up(f"{secrets.token_hex(8)}@example.org", page) for _ in range(count)]
        return await signed_in(self.broker.port, asked, page)

    async def guests(self, count: int, page: str = PAGE) -> list[Reader]:
        return await signed_in(self.broker.port, [guest(page)] * count, page)


def sub_of(token: str) -> str:
    """The `sub` of an access token, which is not verified."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


@contextmanager
def stack(configuration: str = toml(SLOW, FAST)) -> Iterator[Stack]:
    # A short name, because a unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cgattack"))
    try:
        with ExitStack() as running:
            yield _start(folder, configuration, running)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, configuration: str, running: ExitStack) -> Stack:
    names = ("broker", "chat_proxy", "bench.backend", "rag_backend", ODD)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    odd = f'[backends.{ODD}]\nurl = "{url_of(ports[ODD])}"\n'
    environ = environment(folder, configuration + odd, ports)
    environ["CHATGATE_BACKENDS_ODD_SECRET"] = secrets.token_hex(32)
    environ["CHATGATE_RESOURCE_SERVERS_GATEWAY_SECRET"] = secrets.token_hex(32)
    index_book(folder, environ)
    running.enter_context(store(folder, environ))

    def start(path: str, *module: str) -> Service:
        return running.enter_context(serving(folder, environ, ports[module[0]], path, *module))

    start("/", "bench.backend", str(ports["bench.backend"]))
    return Stack(
        folder=folder,
        broker=start("/readyz", "broker"),
        proxy=start("/readyz", "chat_proxy"),
        book=start("/readyz", "rag_backend"),
        load=running.enter_context(Generator()),
        odd_port=ports[ODD],
        environ=environ,
    )
