"""A site with a Better Auth server of its own, whose Redis is ours: exchanges, tokens, admissions, sign-outs.
The real server runs beside, on Node."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import jwt
import psutil

from bench import load
from bench.figures import Figure
from bench.http1 import request
from bench.load import Connection, Plan
from bench.oauth import Key, form
from bench.processes import READY_WITHIN, Service, answers, free_ports
from bench.scenarios import upstream_ends
from bench.stack import PASSWORD, Stack, stack
from broker.oauth.grants.better_auth import SESSION
from broker.oauth.grants.token_exchange import GRANT_TYPE
from chat_proxy.admission.admission import Admission
from chat_proxy.admission.places import Spend
from chat_proxy.admission.vouching import Vouching
from chat_proxy.config import resolve
from chat_proxy.gate import Caller
from edge.config.read import read
from edge.redis.client import Store
from edge.upstreams.site import Around, SiteUpstream
from tests.node_packages import FOLDER, node

NAME = "upstreams"
SITE: Final = "theirs"
PAGE: Final = "https://theirs.example.org"
TOML: Final = f"""
[sites.{SITE}]
origins = ["{PAGE}"]
backend = "bench"
daily_questions = 10000000
open_streams = 100000
[sites.{SITE}.better_auth]
upstream = "redis"
"""
AT_ONCE: Final = 8
READERS: Final = 16
NOTHING: Final = Spend("bench", 0, 0, 0)


def run(_: Stack, *, quick: bool) -> list[Figure]:
    exchanges, seconds, rounds, tries = (100, 1.0, 1, 50) if quick else (2_000, 2.0, 10, 10_000)
    ways = upstream_ends.ways()
    # Its own, as all of these exchanges come from one address.
    with (
        upstream_ends.postgres() as postgres,
        stack(
            toml=TOML + upstream_ends.toml(ways, postgres), CHATGATE_SIGN_IN_ATTEMPTS_PER_ADDRESS="100000"
        ) as ours,
        better_auth(ours) as theirs,
    ):
        readers = ours.load.call(sign_up, theirs.port, exchanges)
        parts = max(1, rounds // 2)
        costs = [_exchanges(ours, readers[at::parts]) for at in range(parts)]
        ratios = [_tokens(ours, theirs, readers, seconds) for _ in range(rounds)]
        flights = asyncio.run(admissions(ours, readers[:READERS], 40 if quick else 200, max(4, rounds * 2)))
        allowed = ours.load.call(
            ask_after_sign_out, ours.broker.port, ours.proxy.port, theirs.port, readers, tries
        )
        with upstream_ends.servers(ways, ours, postgres):
            ends = upstream_ends.figures(ways, ours)
    return [
        Figure(
            NAME,
            "CPU of the broker an exchange, with a proof, median",
            median(costs),
            "µs",
            1200,
        ),
        Figure(
            NAME, "/auth/token against their /token, per second of CPU", median(ratios), "×", 10, "at least"
        ),
        Figure(NAME, "admission's flight against an own session's, median", median(flights), "×", 1.15),
        Figure(NAME, f"of {tries:,} next requests after a sign-out there, answered", allowed, "", 0),
        *ends,
    ]


@contextmanager
def better_auth(ours: Stack) -> Iterator[Service]:
    """The real server, over the Redis of `ours`."""
    [port] = free_ports(1)
    told = {
        "port": port,
        "secret": "the secret of the bench's Better Auth server",
        "site": PAGE,
        "socket": ours.redis_url.removeprefix("unix://").partition("?")[0],
        "prefix": "better-auth:",
    }
    command = [node(), "upstream.mjs", json.dumps([told])]
    running = psutil.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not answers(port, "/api/auth/ok"):
            assert running.poll() is None and time.monotonic() < deadline, "Better Auth does not serve"  # noqa: PT018
            time.sleep(0.02)
        yield Service(port, running)
    finally:
        if running.poll() is None:
            running.terminate()
            running.wait(15)


async def sign_up(port: int, count: int) -> list[str]:
    asked = []
    for at in range(count):
        body = {"name": "Ada", "email": f"reader{at}@example.org", "password": PASSWORD}
        asked.append(request("POST", "/api/auth/sign-up/email", body, {"Origin": PAGE}))
    return [_signed(one) for one in await load.ask_all(port, asked, AT_ONCE)]


def _signed(answer: load.Answer) -> str:
    """The raw token of a session there."""
    assert answer.status == 200, (answer.status, answer.body)
    return str(answer.json()["token"])


class Page:
    """A page of the site, which exchanges sessions on one connection to the broker."""

    def __init__(self, line: Connection, issuer: str) -> None:
        self._line = line
        self._issuer = issuer
        self._key = Key()
        self._nonce = ""

    async def exchange(self, token: str) -> load.Answer:
        answer = await self._once(token)
        # The first only brings the nonce.
        return await self._once(token) if b"use_dpop_nonce" in answer.body else answer

    async def _once(self, token: str) -> load.Answer:
        proof = self._key.proof("POST", f"{self._issuer}/oauth2/token", self._nonce)
        fields = {
            "client_id": SITE,
            "grant_type": GRANT_TYPE,
            "subject_token": token,
            "subject_token_type": SESSION,
        }
        answer = await self._line.ask(form("/oauth2/token", fields, {"Origin": PAGE, "DPoP": proof}))
        self._nonce = answer.headers.get("dpop-nonce", self._nonce)
        return answer


async def exchange(port: int, readers: Sequence[str]) -> None:
    waiting = list(readers)

    async def work() -> None:
        line = await Connection.open(port)
        page = Page(line, f"http://127.0.0.1:{port}")
        while waiting:
            answer = await page.exchange(waiting.pop())
            assert answer.status == 200, answer
        line.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def _exchanges(ours: Stack, readers: Sequence[str]) -> float:
    """The processor time of the broker for one exchange, in microseconds."""
    before = ours.broker.cpu()
    ours.load.call(exchange, ours.broker.port, readers)
    return (ours.broker.cpu() - before) / len(readers) * 1e6


def token_request(reader: str) -> bytes:
    """The request for a JWT there, by a session's raw token."""
    return request("GET", "/api/auth/token", headers={"Authorization": f"Bearer {reader}", "Origin": PAGE})


def _tokens(ours: Stack, theirs: Service, readers: Sequence[str], seconds: float) -> float:
    """Tokens of ours for each of theirs, in equal processor time."""
    costs = []
    own = [reader.token_request() for reader in ours.readers(READERS)]
    there = [token_request(reader) for reader in readers[:READERS]]
    for service, requests in ((ours.broker, own), (theirs, there)):
        before = service.cpu()
        tally = ours.load.call(load.run, Plan(service.port, requests, READERS, seconds)).require(200)
        costs.append((service.cpu() - before) / tally.count)
    ratio: float = costs[1] / costs[0]
    return ratio


async def admissions(ours: Stack, readers: Sequence[str], each: int, rounds: int) -> list[float]:
    """The time of the admission's flight for sessions there, by that for sessions of ours, in turn."""
    config = resolve(read(Path(ours.environ["CHATGATE_CONFIG"]), ours.environ))
    store = Store(config.redis_url, time.monotonic, deadline=2)
    around = Around(store, config.redis_url, 2, time.time, time.monotonic)
    settings = config.sites[SITE].better_auth
    assert settings is not None
    admission = Admission(store, time.monotonic, Vouching({SITE: SiteUpstream(SITE, settings, around)}))

    def caller(token: str) -> Caller:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        site = config.sites[claims["client_id"]]
        names = {name: claims[name] for name in ("sub", "sid", "jti", "tier")}
        kid = jwt.get_unverified_header(token)["kid"]
        limits = config.tiers[claims["tier"]]
        return Caller(**names, kid=kid, site=site, limits=limits, address=None, upk=claims.get("upk"))

    async def took(callers: Sequence[Caller]) -> float:
        spent = []
        for at in range(each):
            begun = time.perf_counter()
            grant = await admission.admit(callers[at % len(callers)], "s1", NOTHING, history=False)
            spent.append(time.perf_counter() - begun)
            await admission.release(grant, (), NOTHING)
        return median(spent)

    line = await Connection.open(ours.broker.port)
    page = Page(line, f"http://127.0.0.1:{ours.broker.port}")
    tokens = [(await page.exchange(one)).json()["access_token"] for one in readers]
    line.close()
    there = [caller(one) for one in tokens]
    own = [caller(reader.token) for reader in ours.readers(len(readers))]
    # The first question of a session opens its name there.
    await took(there)
    await took(own)
    found = [await took(there) / await took(own) for _ in range(rounds)]
    await store.close()
    return found


async def ask_after_sign_out(broker: int, proxy: int, theirs: int, readers: Sequence[str], tries: int) -> int:
    """The number of questions that were answered after their reader's sign-out there. Each reader has asked
    once before, successfully, and signs in again for the next try."""
    left = iter(range(tries))
    allowed = 0

    async def work(own: Sequence[int]) -> None:
        nonlocal allowed
        to_broker, to_proxy = await Connection.open(broker), await Connection.open(proxy)
        to_them = await Connection.open(theirs)
        for number, _ in enumerate(left):
            email = f"reader{own[number % len(own)]}@example.org"
            body = {"email": email, "password": PASSWORD}
            asked = request("POST", "/api/auth/sign-in/email", body, {"Origin": PAGE})
            reader = _signed(await to_them.ask(asked))
            token = await _bearer(to_broker, reader)
            headers = {"Authorization": f"Bearer {token}", "Origin": PAGE}
            question = request("POST", "/chat", {"message": "How often?", "mode": "normal"}, headers)
            first = await to_proxy.ask(question)
            assert first.status == 200, first
            headers = {"Authorization": f"Bearer {reader}", "Origin": PAGE}
            signed_out = await to_them.ask(request("POST", "/api/auth/sign-out", {}, headers))
            assert signed_out.status == 200, signed_out
            after = await to_proxy.ask(question)
            assert after.status in (200, 401), after
            allowed += after.status == 200
        for line in (to_broker, to_proxy, to_them):
            line.close()

    await asyncio.gather(*(work(range(at, len(readers), AT_ONCE)) for at in range(AT_ONCE)))
    return allowed


async def _bearer(line: Connection, reader: str) -> str:
    fields = {"client_id": SITE, "grant_type": GRANT_TYPE, "subject_token": reader}
    fields["subject_token_type"] = SESSION
    answer = await line.ask(form("/oauth2/token", fields, {"Origin": PAGE}))
    assert answer.status == 200, answer
    return str(answer.json()["access_token"])
