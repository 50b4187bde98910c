"""Row 29: Redis' clock a minute off, set back by an hour, set on by one, under the services as they run."""

import asyncio
import shutil
import time

import httpx
import pytest
import redis

from broker.storage.cuts import RedisCuts
from chat_proxy.streams import leases as renewal
from edge.redis.client import Store, command
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.waiting import until as eventually
from tests.chatgate.processes import short_folder, until
from tests.missing import cannot
from tests.oauth import Key, oauth_site
from tests.system.readers import CALLBACKS, PASSWORD, TWO_SITES, claims_of
from tests.system.shifted_clock import Shifted
from tests.system.stack import QUESTION, Reader, Stack
from tests.trust import TRUST
from tests.valkey import PATIENT_S
from tokens import liveness

pytestmark = pytest.mark.system


HOUR = 3600


FEW = """
[tiers.reader]
questions_per_minute = 600
burst = 100
concurrent = 1
"""


@pytest.fixture(scope="module")
def compiled():
    if shutil.which("cc") is None:
        cannot("there is no C compiler for the clock (on Debian, apt-get install gcc)")
    with short_folder() as folder:
        yield Shifted(folder)


@pytest.fixture
def shifted(compiled):
    yield compiled
    compiled.clock.set(0)


@pytest.fixture(scope="module")
def started(compiled):
    with short_folder() as folder:
        stack = Stack(folder, TWO_SITES + FEW)
        for name in ("CHATGATE_TIERS_READER_QUESTIONS_PER_MINUTE", "CHATGATE_TIERS_READER_BURST"):
            del stack.environ[name]
        try:
            stack.start_all(compiled.start)
            yield stack
        finally:
            stack.stop_all()


@pytest.fixture
def stack(started, shifted):
    started.clock = shifted.clock
    return started


def server(stack):
    return redis.Redis(unix_socket_path=stack.valkey.socket, decode_responses=True)


def reader_of(stack):
    reader = Reader(stack.broker, stack.proxy).sign_up()
    assert reader.get_token().status_code == 200
    return reader


def revoke(stack, reader):
    """The reader's token alone."""
    return httpx.post(
        f"{stack.broker}/auth/revoke", headers={"Authorization": f"Bearer {reader.token}"}, verify=TRUST
    )


def account(stack):
    """The address of a new one."""
    email = f"ada-{time.time_ns()}@example.com"
    body = {"name": "Ada", "email": email, "password": PASSWORD}
    page = Reader(stack.broker, stack.proxy).http
    assert page.post(f"{stack.broker}/api/auth/sign-up/email", json=body).status_code == 200
    return email


def bound_site(stack):
    """A page that has a key."""
    return oauth_site(stack.broker, "docs", CALLBACKS["docs"], Key())


def test_the_clock_is_moved(stack):
    with server(stack) as client:
        stack.clock.set(-HOUR)
        assert abs(client.time()[0] - (time.time() - HOUR)) < 2
        client.set("clock", "x", px=60_000)
        stack.clock.set(0)
        until(lambda: client.get("clock") is None, 5)


@pytest.fixture
def no_cut(stack):
    """As of a Redis that has been there for longer than the clock is wrong."""
    with server(stack) as client:
        before = client.hget(liveness.CUT, "all")
        client.hset(liveness.CUT, "all", 1)
        yield
        client.hset(liveness.CUT, "all", before)


def test_a_session_made_before_a_cut_by_a_wrong_clock_is_dead_while_that_is_wrong(stack):
    """A cut, the one of Redis' own beginning among them, does not go back with the clock."""
    stack.clock.set(-HOUR)
    reader = Reader(stack.broker, stack.proxy).sign_up()
    assert reader.get_token().status_code == 401
    stack.clock.set(0)
    assert reader_of(stack).ask().status_code == 200


async def test_a_session_made_by_a_clock_that_was_ahead_outlives_a_cut_and_nothing_else(stack):
    """A known limit (docs/security.md): a cut compares times, everything else ends the session itself."""
    stack.clock.set(HOUR)
    reader = reader_of(stack)
    stack.clock.set(0)
    store = Store(stack.valkey.url, time.monotonic, deadline=PATIENT_S)
    await RedisCuts(store).end_all()
    await store.close()
    assert reader.ask().status_code == 200
    assert reader.http.post(f"{stack.broker}/api/auth/revoke-sessions", json={}).status_code == 200
    assert reader.ask().status_code == 401
    assert reader.get_token().status_code == 401


@pytest.mark.parametrize("seconds", [60, -60, -HOUR, HOUR])
async def test_signed_in_readers_stay_in_and_signed_out_readers_stay_out(stack, no_cut, seconds):
    staying, leaving, banned = reader_of(stack), reader_of(stack), reader_of(stack)
    assert leaving.sign_out().status_code == 200
    email = account(stack)
    async with bound_site(stack) as site:
        first = await site.signed_in(email, PASSWORD)
        code = await site.code(email, PASSWORD)
        stack.clock.set(seconds)
        # Credentials from before are as good as they were.
        assert staying.ask().status_code == 200
        assert staying.get_token().status_code == 200
        assert staying.ask().status_code == 200
        assert leaving.ask().status_code == 401
        assert leaving.get_token().status_code == 401
        second = await site.refresh(first["refresh_token"])
        assert second.status_code == 200
        # A code is good for a minute of Redis' time.
        assert (await site.redeem(code)).status_code == (400 if seconds >= 60 else 200)
        # And so is what is made now, until it is taken back.
        late = reader_of(stack)
        assert late.ask().status_code == 200
        assert late.sign_out().status_code == 200
        assert late.ask().status_code == 401
        assert revoke(stack, banned).status_code == 204
        assert banned.ask().status_code == 401
        assert (await site.revoke(second.json()["refresh_token"])).status_code == 200
        assert (await site.refresh(second.json()["refresh_token"])).status_code == 400
        stack.clock.set(0)
        for ended in (leaving, late):
            assert ended.ask().status_code == 401
        # The mark of a single token is the only thing that a clock can undo by being set on: by more than the
        # two minutes that it outlives its token.
        if seconds != -HOUR:
            assert banned.ask().status_code == 401
        until(lambda: staying.ask().status_code == 200, 2)


@pytest.mark.parametrize("seconds", [60, -60, -HOUR])
def test_a_mark_lives_as_long_as_its_token(stack, seconds):
    """By the clocks of the services, whatever Redis' clock does in between."""
    reader = reader_of(stack)
    assert revoke(stack, reader).status_code == 204
    stack.clock.set(seconds)
    claims = claims_of(reader.token)
    with server(stack) as client:
        left = client.ttl(f"cg:{{{claims['sub']}}}:r:{claims['jti']}")
    assert left > claims["exp"] + 5 - time.time()
    assert reader.ask().status_code == 401


@pytest.mark.parametrize("seconds", [60, -60, -HOUR])
def test_a_reader_waits_for_no_longer_than_a_window(stack, seconds):
    email = f"ada-{time.time_ns()}@example.com"
    guesser = Reader(stack.broker, stack.proxy)

    def guess():
        body = {"email": email, "password": "not the password"}
        return guesser.http.post(f"{stack.broker}/api/auth/sign-in/email", json=body)

    while (answer := guess()).status_code == 401:
        pass
    assert answer.status_code == 429
    stack.clock.set(seconds)
    answer = guess()
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize("seconds", [60, -60, -HOUR])
def test_an_abandoned_place_is_free_after_a_leases_time(stack, seconds):
    """As if the proxy that had given it had died; the tier of these tests has one place."""
    reader = reader_of(stack)
    with server(stack) as client:
        leases = leases_of(claims_of(reader.token)["sub"], claims_of(reader.token)["client_id"])
        now, _ = client.time()
        client.zadd(leases, {"dead": now * 1000 + 9_000})
        client.pexpire(leases, 10_000)
        assert reader.ask().status_code == 429
        stack.clock.set(seconds)
        until(lambda: reader.ask().status_code == 200, 15)
        assert client.ttl(leases) <= 10


@pytest.mark.parametrize("seconds", [60, -60, -HOUR, HOUR])
def test_a_rate_is_at_worst_a_spent_burst(stack, seconds):
    """And never a wait until the old time comes again."""
    reader = reader_of(stack)
    assert {reader.ask().status_code for _ in range(20)} == {200}
    stack.clock.set(seconds)
    answer = reader.ask()
    assert answer.status_code in (200, 429)
    # 600 a minute: the next one a tenth of a second later, and all hundred of the burst after ten seconds.
    assert int(answer.headers.get("retry-after", 1)) <= 1
    [burst] = [one for one in answer.headers["ratelimit"].split(", ") if one.startswith('"burst"')]
    assert int(burst.partition("t=")[2]) <= 10
    until(lambda: reader.ask().status_code == 200, 2)


@pytest.mark.parametrize("seconds", [-60, -HOUR])
async def test_a_running_answer_goes_on_past_its_next_renewal(shifted, tmp_path, seconds):
    go_on = asyncio.Event()

    async def pause(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await go_on.wait()
        await peer.event("done")
        await peer.end()

    with short_folder() as folder:
        valkey = shifted.start(folder)
        try:
            async with running(valkey, tmp_path) as service:
                service.backend.behaviour = pause
                async with service.stream(await service.sign_in()) as stream:
                    assert (await stream.event())[0] == "start"
                    shifted.clock.set(seconds)
                    leases = command("ZRANGE", leases_of(), 0, -1, "WITHSCORES")
                    [[_, before]] = (await service.store.run(leases))[0]

                    async def is_renewed():
                        [[[_, score]]] = await service.store.run(leases)
                        return float(score) < float(before) + seconds * 1000 + 30_000

                    await eventually(is_renewed, renewal.EVERY + 2)
                    go_on.set()
                    assert (await stream.all())[-1] == ("done", {})
                await eventually(service.holds_nothing, 2)
        finally:
            valkey.kill()


async def test_a_proof_counts_once_when_the_clock_was_set_back(stack):
    email = account(stack)
    async with bound_site(stack) as site, httpx.AsyncClient(timeout=15, verify=TRUST) as http:
        token = (await site.signed_in(email, PASSWORD))["access_token"]
        uri = f"{stack.proxy}/chat"
        asking = {"Authorization": f"DPoP {token}"}
        nonce = (await http.post(uri, json=QUESTION, headers=asking)).headers["dpop-nonce"]
        proof = site.key.proof("POST", uri, nonce=nonce, access_token=token)
        assert (await http.post(uri, json=QUESTION, headers={**asking, "DPoP": proof})).status_code == 200
        for seconds in (60, -60, -HOUR):
            stack.clock.set(seconds)
            answer = await http.post(uri, json=QUESTION, headers={**asking, "DPoP": proof})
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_dpop_proof")
