"""Cuts, which end all of a site or everything, to the millisecond; and revocations while tokens are made."""

import asyncio
import hashlib
import itertools
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest
import redis

from broker.storage.cuts import RedisCuts
from edge.redis.client import Store
from tests.chatgate.command_line import said
from tests.oauth import oauth_site
from tests.system.readers import CALLBACKS, PASSWORD, browser, claims_of
from tests.valkey import PATIENT_S
from tokens import liveness

pytestmark = pytest.mark.system

ROUNDS = 5
AT_ONCE = 5
HOUR_MS = 3_600_000
FIELDS = ["all", "client:docs"]
_NUMBERS = itertools.count()


@pytest.fixture
def server(two_sites):
    """The services' Redis; the cuts are afterwards as they were before."""
    with redis.Redis(unix_socket_path=two_sites.valkey.socket, decode_responses=True) as client:
        before = client.hgetall(liveness.CUT)
        yield client
        for field in ("all", "client:docs", "client:other"):
            if field in before:
                client.hset(liveness.CUT, field, before[field])
            else:
                client.hdel(liveness.CUT, field)


@pytest.fixture
async def cuts(two_sites):
    store = Store(two_sites.valkey.url, time.monotonic, deadline=PATIENT_S)
    yield RedisCuts(store)
    await store.close()


@pytest.fixture
async def clients():
    async with AsyncExitStack() as clients:
        yield clients


@pytest.fixture
async def sites(clients, places):
    return {
        name: await clients.enter_async_context(oauth_site(places.broker, name, callback))
        for name, callback in CALLBACKS.items()
    }


@pytest.fixture
async def page(clients, places):
    """A browser on a page of `docs`, whose reader has signed up; `email` is theirs."""
    page: Any = await browser(clients)
    page.email = f"eve{next(_NUMBERS)}@example.com"
    body = {"name": "Eve", "email": page.email, "password": PASSWORD}
    assert (await page.post(f"{places.broker}/api/auth/sign-up/email", json=body)).status_code == 200
    return page


async def sign_in(page, places):
    body = {"email": page.email, "password": PASSWORD}
    assert (await page.post(f"{places.broker}/api/auth/sign-in/email", json=body)).status_code == 200


async def token_of(page, places):
    answer = await page.get(f"{places.broker}/auth/token")
    assert answer.status_code == 200
    return answer.json()["token"]


def now_ms(server):
    seconds, microseconds = server.time()
    return seconds * 1000 + microseconds // 1000


DOCS, ALL = ("--client", "docs"), ("--all",)


@pytest.mark.parametrize(
    ("first", "second", "living"),
    [
        (DOCS, ALL, {"docs 2", "other 2"}),
        (ALL, DOCS, {"other 1", "docs 2", "other 2"}),
        (ALL, ALL, {"docs 2", "other 2"}),
        (DOCS, DOCS, {"other 0", "other 1", "docs 2", "other 2"}),
        (DOCS, ("--client", "other"), {"docs 1", "docs 2", "other 2"}),
    ],
)
async def test_the_stricter_of_two_cuts_counts(configured, page, places, sites, first, second, living):
    made = {}

    async def make(turn):
        for name, site in sites.items():
            made[f"{name} {turn}"] = site, await site.signed_in(page.email, PASSWORD)

    await make(0)
    await asyncio.to_thread(said, "sessions", "revoke", *first)
    await make(1)
    await asyncio.to_thread(said, "sessions", "revoke", *second)
    await make(2)
    assert {name for name, of in made.items() if await places.tokens(*of)} == living


@pytest.mark.parametrize(
    ("ahead", "words", "living"),
    [
        ("client:docs", ALL, {"other"}),
        ("client:docs", DOCS, {"other"}),
        ("all", DOCS, set()),
        ("all", ALL, set()),
    ],
)
async def test_a_cut_never_goes_back_with_the_clock(
    configured, server, page, places, sites, ahead, words, living
):
    cut = now_ms(server) + HOUR_MS
    server.hset(liveness.CUT, ahead, cut)
    await asyncio.to_thread(said, "sessions", "revoke", *words)
    assert int(server.hget(liveness.CUT, ahead)) == cut
    found = {name: await site.signed_in(page.email, PASSWORD) for name, site in sites.items()}
    assert {name for name, of in found.items() if await places.tokens(sites[name], of)} == living
    assert not await places.cookie(page)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("later", "lives"), [(0, False), (1, True)])
async def test_a_session_of_the_millisecond_of_a_cut_is_dead(
    server, cuts, page, places, sites, field, later, lives
):
    by_code = await sites["docs"].signed_in(page.email, PASSWORD)
    by_cookie = await token_of(page, places)
    code = await sites["docs"].code(page.email, PASSWORD)
    cut = await (cuts.end_all() if field == "all" else cuts.end_client("docs"))
    assert not await places.access(by_cookie)
    # As if they had been made then.
    sub = claims_of(by_cookie)["sub"]
    for token in (by_cookie, by_code["access_token"]):
        server.hset(liveness.session(sub, claims_of(token)["sid"]), "created_at", cut + later)
    server.hset(liveness.code(sub, hashlib.sha256(code.encode()).hexdigest()), "made_at", cut + later)
    assert await places.access(by_cookie) == lives
    assert await places.cookie(page) == lives
    assert await places.tokens(sites["docs"], by_code) == lives
    assert await places.code(sites["docs"], code) == lives


async def test_a_token_of_the_second_of_a_cut_is_judged_by_its_session(server, cuts, page, places, sites):
    elsewhere = await sites["other"].signed_in(page.email, PASSWORD)
    for _ in range(50):
        await sign_in(page, places)
        before = await token_of(page, places)
        cut = await cuts.end_client("docs")
        await sign_in(page, places)
        after = await token_of(page, places)
        if {claims_of(token)["iat"] for token in (before, after)} == {cut // 1000}:
            break
    else:
        pytest.fail("the clock was never within one second for long enough")
    assert not await places.access(before)
    assert await places.access(after)
    assert await places.tokens(sites["other"], elsewhere)


class ByCookie:
    """Mints with the cookie of one session, which every one of several tasks has."""

    async def prepare(self, page, places, site):
        return [page] * AT_ONCE

    async def mint(self, page, places, site, made):
        while (answer := await page.get(f"{places.broker}/auth/token")).status_code == 200:
            made.append(answer.json()["token"])
        assert answer.status_code == 401


class ByRefreshing:
    async def prepare(self, page, places, site):
        return [await site.signed_in(page.email, PASSWORD) for _ in range(AT_ONCE)]

    async def mint(self, tokens, places, site, made):
        while (answer := await site.refresh(tokens["refresh_token"])).status_code == 200:
            tokens = answer.json()
            made.append(tokens["access_token"])
        assert answer.json()["error"] == "invalid_grant"
        assert not await places.tokens(site, tokens)


class ByRedeeming:
    async def prepare(self, page, places, site):
        return [await site.code(page.email, PASSWORD) for _ in range(AT_ONCE)]

    async def mint(self, code, places, site, made):
        answer = await site.redeem(code)
        if answer.status_code == 200:
            made.append(answer.json())
        else:
            assert answer.json()["error"] == "invalid_grant"


class Made(list[Any]):
    """The things that were given so far; `enough` is set once there are `wanted` of them."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted, self.enough = wanted, asyncio.Event()

    def append(self, thing):
        super().append(thing)
        if len(self) >= self.wanted:
            self.enough.set()


@pytest.mark.parametrize("reach", ["user", "site", "all"])
@pytest.mark.parametrize(
    "way", [ByCookie(), ByRefreshing(), ByRedeeming()], ids=lambda way: type(way).__name__
)
async def test_sessions_made_while_all_are_revoked_are_dead_once_that_is_answered(
    cuts, clients, page, places, sites, way, reach
):
    owner: Any = await browser(clients)
    site = sites["docs"]
    owner.email = page.email
    for turn in range(ROUNDS):
        await sign_in(page, places)
        await sign_in(owner, places)
        made = Made(1 + turn % AT_ONCE)
        means = await way.prepare(page, places, site)
        async with asyncio.timeout(20), asyncio.TaskGroup() as minting:
            for one in means:
                minting.create_task(way.mint(one, places, site, made))
            await made.enough.wait()
            if reach == "user":
                answer = await owner.post(f"{places.broker}/api/auth/revoke-sessions", json={})
                assert answer.status_code == 200
            else:
                await (cuts.end_all() if reach == "all" else cuts.end_client("docs"))
            # Things that were on their way meanwhile are judged too, once they are here.
            for given in list(made):
                assert not await is_good(places, site, given)
        for given in made:
            assert not await is_good(places, site, given)
    await sign_in(page, places)
    assert await places.cookie(page)


async def is_good(places, site, given):
    return await (places.access(given) if isinstance(given, str) else places.tokens(site, given))
