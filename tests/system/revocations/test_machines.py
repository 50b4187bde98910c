"""Two brokers and two proxies over one Redis, as on two machines behind one address.

A change that is made through one holds for the other at its next request.
"""

import asyncio
import contextlib
import itertools
import subprocess
import sys

import httpx
import pytest

from tests.chatgate.processes import short_folder, until
from tests.oauth import Key, OAuthSite
from tests.ports import free_ports
from tests.system.stack import EVENTS, PAGE, QUESTION, ROOT, Stack
from tests.trust import TRUST

pytestmark = pytest.mark.system

CALLBACK = f"{PAGE}/signed-in"
NARROW_PAGE = "http://127.0.0.1:3001"
PASSWORD = "a-tall-ship-and-a-star"
FAILURES = 4
TOML = f"""
env = "development"
[sign_in]
failures_per_account = {FAILURES}
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{CALLBACK}"]
backend = "book"
[sites.narrow]
origins = ["{NARROW_PAGE}"]
backend = "book"
tier = "narrow"
[tiers.narrow]
questions_per_minute = 1
burst = 2
[backends.book]
url = "http://127.0.0.1:8002"
"""
_NUMBERS = itertools.count()


class Balancer(httpx.AsyncBaseTransport):
    """Brings what is sent to the public addresses to one machine."""

    def __init__(self, ports):
        self._ports = ports
        self._inner = httpx.AsyncHTTPTransport(verify=TRUST)

    async def handle_async_request(self, request):
        request.url = request.url.copy_with(port=self._ports.get(request.url.port, request.url.port))
        return await self._inner.handle_async_request(request)

    async def aclose(self):
        await self._inner.aclose()


class Machines:
    """The second broker and proxy beside a Stack, whose own are the first and have the public addresses."""

    def __init__(self, stack):
        self.stack = stack
        broker, proxy = free_ports(2)
        self.ports: tuple[dict[int, int], dict[int, int]] = (
            {},
            {stack.ports["broker"]: broker, stack.ports["chat_proxy"]: proxy},
        )
        jwks = f"http://127.0.0.1:{broker}/.well-known/jwks.json"
        self._start("broker", {"CHATGATE_BROKER_PORT": str(broker)}, broker)
        self._start("chat_proxy", {"CHATGATE_PROXY_PORT": str(proxy), "CHATGATE_PROXY_JWKS_URL": jwks}, proxy)

    def _start(self, name, changed, port):
        with (self.stack.folder / f"{name}-2.log").open("wb") as log:
            self.stack.processes[f"{name}-2"] = subprocess.Popen(
                [sys.executable, "-m", name],
                env=self.stack.environ | changed,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        until(lambda: _is_ready(port), 20)

    @contextlib.asynccontextmanager
    async def browser(self, page=PAGE):
        """The same browser, brought to either machine: the cookies are one jar."""
        async with contextlib.AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(transport=Balancer(ports), headers={"Origin": page}, timeout=15)
                )
                for ports in self.ports
            ]
            clients[1]._cookies = clients[0]._cookies
            yield Browser(self.stack, clients)


def _is_ready(port):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", verify=TRUST).status_code == 200
    return False


class Browser:
    """`at` names a machine, 0 or 1."""

    def __init__(self, stack, clients):
        self.stack, self.clients = stack, clients
        self.email = f"ada{next(_NUMBERS)}@example.com"

    async def sign(self, way, at, **more):
        body = {"email": self.email, "password": PASSWORD} | more
        return await self.clients[at].post(f"{self.stack.broker}/api/auth/{way}/email", json=body)

    async def sign_up(self, at):
        answer = await self.sign("sign-up", at, name="Ada")
        assert answer.status_code == 200, answer.text

    async def sign_out(self, at):
        answer = await self.clients[at].post(f"{self.stack.broker}/api/auth/sign-out", json={})
        assert answer.status_code == 200, answer.text

    async def token(self, at):
        answer = await self.clients[at].get(f"{self.stack.broker}/auth/token")
        return answer.json()["token"] if answer.status_code == 200 else None

    async def ask(self, at, headers, **more):
        if isinstance(headers, str):
            headers = {"Authorization": f"Bearer {headers}"}
        return await self.clients[at].post(f"{self.stack.proxy}/chat", json=QUESTION | more, headers=headers)

    async def status(self, at, token):
        return (await self.ask(at, token)).status_code

    def site(self, at, key=None):
        client = self.clients[at]
        return OAuthSite(client, client, self.stack.broker, "docs", CALLBACK, key)


@pytest.fixture(scope="module")
def machines():
    with short_folder() as folder:
        stack = Stack(folder, TOML)
        [backend] = free_ports(1)
        stack.environ["CHATGATE_BACKENDS_BOOK_URL"] = f"http://127.0.0.1:{backend}"
        command = [sys.executable, "-m", "bench.backend", str(backend)]
        stack.processes["backend"] = subprocess.Popen(command, cwd=ROOT)
        try:
            stack.start_all()
            yield Machines(stack)
        finally:
            stack.stop_all()


@pytest.fixture
async def browser(machines):
    async with machines.browser() as browser:
        yield browser


@pytest.mark.parametrize(("here", "there"), [(0, 1), (1, 0)])
async def test_a_sign_out_at_one_is_a_refusal_at_the_other(browser, here, there):
    await browser.sign_up(here)
    token = await browser.token(there)
    assert [await browser.status(at, token) for at in (here, there)] == [200, 200]
    cookies = dict(browser.clients[0].cookies)
    await browser.sign_out(here)
    assert [await browser.status(at, token) for at in (there, here)] == [401, 401]
    browser.clients[0].cookies.update(cookies)
    assert await browser.token(there) is None


async def test_a_stream_at_one_is_cut_by_a_sign_out_at_the_other(browser, machines):
    await browser.sign_up(0)
    token = await browser.token(0)
    headers = {**EVENTS, "Authorization": f"Bearer {token}"}
    client, address = browser.clients[1], f"{machines.stack.proxy}/chat"
    # Twenty seconds of it.
    asked = QUESTION | {"message": "events=400"}
    async with client.stream("POST", address, json=asked, headers=headers) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: start"
        await browser.sign_out(0)
        async with asyncio.timeout(2):
            rest = [line async for line in lines]
    assert any('"session_ended"' in line for line in rest)
    assert not any("event: done" in line for line in rest)


async def test_a_code_of_one_is_redeemed_once_at_either(browser):
    await browser.sign_up(0)
    first, second = browser.site(0), browser.site(1)
    second.verifier = first.verifier
    code = await first.code(browser.email, PASSWORD)
    tokens = (await second.redeem(code)).json()
    assert await browser.status(0, tokens["access_token"]) == 200
    again = await first.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    # RFC 6749 4.1.2: what the first redemption gave has ended with the second.
    assert [await browser.status(at, tokens["access_token"]) for at in (0, 1)] == [401, 401]


async def test_a_refresh_token_that_is_used_at_both_ends_its_family(browser):
    await browser.sign_up(0)
    first, second = browser.site(0), browser.site(1)
    tokens = await first.signed_in(browser.email, PASSWORD)
    fresh = (await second.refresh(tokens["refresh_token"])).json()
    assert await browser.status(0, fresh["access_token"]) == 200
    newest = (await first.refresh(fresh["refresh_token"])).json()
    stolen = await second.refresh(tokens["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert await browser.status(1, newest["access_token"]) == 401
    ended = await first.refresh(newest["refresh_token"])
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")


async def test_a_nonce_of_one_is_good_at_the_other_and_a_proof_once_at_both(browser):
    await browser.sign_up(0)
    key = Key()
    token = (await browser.site(0, key).signed_in(browser.email, PASSWORD))["access_token"]
    address = f"{browser.stack.proxy}/chat"

    def headers(nonce=None):
        proof = key.proof("POST", address, nonce=nonce, access_token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    refused = await browser.ask(0, headers())
    assert (refused.status_code, refused.json()["code"]) == (401, "use_dpop_nonce")
    once = headers(refused.headers["dpop-nonce"])
    assert await browser.status(1, once) == 200
    replayed = await browser.ask(0, once)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "invalid_dpop_proof")
    assert await browser.status(0, headers(refused.headers["dpop-nonce"])) == 200


async def test_a_conversation_goes_on_at_the_other(browser, machines):
    await browser.sign_up(0)
    token = await browser.token(0)
    for at in (0, 1):
        assert (await browser.ask(at, token, session_id="both")).status_code == 200
    address, headers = f"{machines.stack.proxy}/sessions/both", {"Authorization": f"Bearer {token}"}
    for client in browser.clients:
        found = (await client.get(address, headers=headers)).json()["messages"]
        assert [one["role"] for one in found] == ["user", "assistant"] * 2


async def test_a_readers_limits_are_of_both_proxies_together(machines):
    async with machines.browser(NARROW_PAGE) as browser:
        await browser.sign_up(0)
        token = await browser.token(0)
        assert [await browser.status(at, token) for at in (0, 1, 0, 1)] == [200, 200, 429, 429]


async def test_wrong_passwords_are_counted_by_both_brokers_together(browser):
    await browser.sign_up(0)
    statuses = [
        (await browser.sign("sign-in", at, password="not the password")).status_code
        for at in itertools.islice(itertools.cycle((0, 1)), FAILURES + 2)
    ]
    assert statuses == [401] * FAILURES + [429] * 2
