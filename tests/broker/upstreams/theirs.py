"""Real Better Auth servers, and the actions of their readers there."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.chat_proxy.configuration import SITE
from tests.node_packages import FOLDER, node
from tests.ports import free_ports
from tests.processes import serving

SECRET = "the secret of the site's own Better Auth server"
NEXT_SECRET = "the secret that takes the place of the one before"
PASSWORD = "correct horse battery"
SOCIAL = ("/sign-in/social", {"provider": "provider"})
SOCIAL_1_6 = ("/sign-in/oauth2", {"providerId": "provider"})
_NUMBERS = itertools.count()


@contextmanager
def better_auth_servers(servers: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """`servers` has the options of each by its name; answers their addresses, with the base path."""
    ports = dict(zip(servers, free_ports(len(servers)), strict=True))
    told = [
        {"port": ports[name], "secret": SECRET, "site": SITE, **options} for name, options in servers.items()
    ]
    addresses = {
        name: f"http://127.0.0.1:{port}{servers[name].get('basePath', '/api/auth')}"
        for name, port in ports.items()
    }
    # When the last of them listens, all do.
    ready = f"{list(addresses.values())[-1]}/ok"
    with serving([node(), "upstream.mjs", json.dumps(told)], ready, folder=FOLDER):
        yield addresses


@dataclass
class Visitor:
    """A browser of a reader at a Better Auth server."""

    http: httpx.AsyncClient
    email: str = ""

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, status: int = 200) -> Any:
        answer = await self.http.post(path, json=body or {})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def sign_up(self, kind: str = "reader") -> Any:
        """`kind` begins the address, by which the server knows who is an admin and whose address is
        verified."""
        self.email = f"{kind}{next(_NUMBERS)}@example.com"
        return await self.post("/sign-up/email", {"name": "Ada", "email": self.email, "password": PASSWORD})

    async def sign_in(self, email: str | None = None, **more: Any) -> Any:
        self.email = email or self.email
        return await self.post("/sign-in/email", {"email": self.email, "password": PASSWORD, **more})

    async def sign_in_by_provider(
        self, kind: str = "reader", *, sign_in: tuple[str, dict[str, str]] = SOCIAL
    ) -> None:
        """As a browser that follows the redirects to the provider and back. `kind` begins the address, by
        which the provider knows whether it vouches for it. `sign_in` is the path and the body."""
        self.email = self.email or f"{kind}{next(_NUMBERS)}@example.com"
        path, body = sign_in
        url = (await self.post(path, {**body, "callbackURL": SITE}))["url"]
        there = await self.http.get(
            url, params={**httpx.QueryParams(urlsplit(url).query), "login_hint": self.email}
        )
        back = await self.http.get(there.headers["location"])
        assert back.headers["location"] == SITE, back.headers["location"]

    async def session(self) -> Any:
        """As the page gets it: the session's members, with the raw token among them."""
        return (await self.http.get("/get-session")).json()["session"]

    async def token(self) -> str:
        return (await self.session())["token"]

    @property
    def cookie(self) -> str:
        """The signed token, as the browser keeps it."""
        [found] = [one.value for one in self.http.cookies.jar if one.name.endswith(".session_token")]
        assert found is not None
        return found


async def concurrent_sign_ins(
    visitor: Callable[[], Awaitable[Visitor]], email: str, count: int = 32
) -> list[str]:
    """The tokens of a user's sessions that begin at one time."""

    async def signed_in() -> str:
        one = await visitor()
        return (await one.sign_in(email))["token"]

    return await asyncio.gather(*(signed_in() for _ in range(count)))


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Callable[[], Awaitable[Visitor]]]:
    """Makes browsers of readers at the server at `url`."""
    opened = []

    async def visitor() -> Visitor:
        http = httpx.AsyncClient(base_url=url, headers={"Origin": SITE}, verify=False)
        opened.append(http)
        return Visitor(http)

    try:
        yield visitor
    finally:
        for one in opened:
            await one.aclose()
