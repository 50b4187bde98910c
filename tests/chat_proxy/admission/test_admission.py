"""Questions are admitted for living sessions, within the limits of reader, address and site."""

import asyncio
import time

import pytest

from edge.redis.client import command
from tests.chat_proxy.configuration import OTHER_SITE, SITE
from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.fields import parsed
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.tokens import OTHER_SUB, SUB, token
from tokens import liveness

TIGHT = "questions_per_minute = 6\nburst = 3\nconcurrent = 2\ndaily_questions = 100\n"
FEW = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 4\n"
TWO_AT_ONCE = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 2\ndaily_questions = 1000\n"


class Gate:
    """A backend that answers when the test says so."""

    def __init__(self, backend):
        self.open = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)
        backend.behaviour = self._wait

    async def _wait(self, peer):
        self.waiting.release()
        await self.open.wait()
        await answer_plainly(peer)


async def test_without_a_session_a_token_opens_nothing(service):
    answer = await service.ask(token())
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert service.backend.received == []


async def test_a_revoked_session_never_asks_again(service):
    for attempt in range(100):
        bearer = await service.sign_in(f"s{attempt}")
        assert (await service.ask(bearer)).status_code == 200
        await service.sign_out(f"s{attempt}")
        assert (await service.ask(bearer)).status_code == 401


@pytest.mark.parametrize("field", ["client", "tier"])
async def test_the_session_has_to_be_what_the_token_says(service, field):
    bearer = await service.sign_in()
    await service.store.run(command("HSET", liveness.session(SUB, "s1"), field, "other"))
    assert (await service.ask(bearer)).status_code == 401


async def test_a_token_revoked_on_its_own_leaves_the_session_its_others(service):
    bearer = await service.sign_in()
    await service.store.run(command("SET", liveness.revoked_token(SUB, "Zk1f8oQm"), "1"))
    assert (await service.ask(bearer)).status_code == 401
    assert (await service.ask(token(jti="another"))).status_code == 200


@pytest.mark.parametrize("name", ["all", "client:docs"])
async def test_a_session_is_dead_at_and_before_a_cut(service, name):
    bearer = await service.sign_in()
    [created] = await service.store.run(command("HGET", liveness.session(SUB, "s1"), "created_at"))
    await service.cut(**{name: int(created) - 1})
    assert (await service.ask(bearer)).status_code == 200
    await service.cut(**{name: int(created)})
    assert (await service.ask(bearer)).status_code == 401


async def test_another_clients_cut_changes_nothing(service):
    bearer = await service.sign_in()
    await service.cut(**{"client:other": int(time.time() * 1000) + 10_000})
    assert (await service.ask(bearer)).status_code == 200


@pytest.mark.parametrize("missing", ["all", "kids"])
async def test_without_the_cuts_nobody_is_judged(service, missing):
    bearer = await service.sign_in()
    await service.store.run(command("HDEL", liveness.CUT, missing))
    answer = await service.ask(bearer)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    assert (await service.client.get("/readyz")).status_code == 503
    assert (await service.client.get("/healthz")).status_code == 200


# Security row 22, and the client's own origins.
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SITE, 200),
        (OTHER_SITE, 403),
        ("null", 403),
        ("https://evil.example", 403),
        (SITE + ".evil.example", 403),
        (SITE + ":443", 403),
        (SITE.replace("https", "http"), 403),
        (SITE.upper(), 403),
    ],
)
async def test_a_page_asks_for_its_own_site_only(service, origin, status):
    bearer = await service.sign_in()
    headers = {**service.headers(bearer), "Origin": origin}
    answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
    assert answer.status_code == status
    allowed = origin if origin in (SITE, OTHER_SITE) else None
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "Origin" in answer.headers["vary"]
    assert len(service.backend.received) == (status == 200)
    listed = await service.client.get("/sessions", headers=headers)
    assert listed.status_code == status


async def test_a_burst_is_followed_by_the_steady_rate(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": TIGHT}) as service:
        bearer = await service.sign_in()
        answers = [await service.ask(bearer) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        left = [parsed(answer.headers["ratelimit"])["burst"]["r"] for answer in answers]
        assert left == [2, 1, 0, 0]
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
        assert problem["violated-policies"] == ["burst"]
        assert problem["code"] == "rate_limited"
        policy = parsed(refused.headers["ratelimit-policy"])
        assert policy["burst"] == {"q": 3, "w": 30}
        assert policy["daily"] == {"q": 100, "w": 86_400}
        assert policy["concurrent"] == {"q": 2, "qu": "concurrent-requests"}
        wait = parsed(refused.headers["ratelimit"])["burst"]["t"]
        assert 8 <= wait <= 10
        assert int(refused.headers["retry-after"]) >= wait
        # Ten seconds later by Redis' clock, one more.
        await service.store.run(command("HINCRBYFLOAT", f"cg:{{{SUB}}}:at:docs:rate:reader", "tat", "-10000"))
        assert [(await service.ask(bearer)).status_code for _ in range(2)] == [200, 429]
        # The limit is the reader's, not the session's or the site's.
        assert (await service.ask(await service.sign_in("s2"))).status_code == 429
        assert (await service.ask(await service.sign_in(sub=OTHER_SUB))).status_code == 200


# Security row 29: a clock that was set back locks nobody out for longer than a burst takes.
async def test_a_clock_that_was_set_back_is_forgiven(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": TIGHT}) as service:
        bearer = await service.sign_in()
        await service.ask(bearer)
        await service.store.run(
            command("HINCRBYFLOAT", f"cg:{{{SUB}}}:at:docs:rate:reader", "tat", "3600000")
        )
        refused = await service.ask(bearer)
        assert int(refused.headers["retry-after"]) <= 10
        # Ten seconds later by Redis' clock, one more: the wait has begun.
        await service.store.run(command("HINCRBYFLOAT", f"cg:{{{SUB}}}:at:docs:rate:reader", "tat", "-10000"))
        assert (await service.ask(bearer)).status_code == 200
        assert (await service.ask(bearer)).status_code == 429


SLOW = "questions_per_minute = 1\nburst = 3\nconcurrent = 2\ndaily_questions = 100\n"
FAST = "questions_per_minute = 6000\nburst = 3\nconcurrent = 2\ndaily_questions = 100\n"


async def test_another_site_refills_no_rate(valkey, tmp_path):
    tiers = {"reader": SLOW, "gold": FAST}
    async with running(valkey, tmp_path, tiers=tiers) as service:
        slow = await service.sign_in()
        fast = await service.sign_in("s2", client="other", tier="gold")
        assert [(await service.ask(slow)).status_code for _ in range(4)] == [200] * 3 + [429]
        for _ in range(6):
            assert (await service.ask(fast)).status_code in (200, 429)
            assert (await service.ask(slow)).status_code == 429
        # Nor does another tier at the same site.
        promoted = await service.sign_in("s3", tier="gold")
        assert (await service.ask(promoted)).status_code == 200
        assert (await service.ask(slow)).status_code == 429


async def test_another_site_refills_no_rate_of_an_address(valkey, tmp_path):
    tiers = {"guest": SLOW, "visitor": FAST}
    async with running(
        valkey, tmp_path, tiers=tiers, other='guests = true\nguest_tier = "visitor"'
    ) as service:
        slow = await service.sign_in(tier="guest", proved_by="anonymous")
        fast = await service.sign_in("s2", OTHER_SUB, client="other", tier="visitor", proved_by="anonymous")
        assert [(await service.ask(slow)).status_code for _ in range(4)] == [200] * 3 + [429]
        for _ in range(6):
            assert (await service.ask(fast)).status_code in (200, 429)
            assert (await service.ask(slow)).status_code == 429


@pytest.mark.parametrize(("before", "after"), [(1, 20), (20, 1)], ids=["faster", "slower"])
async def test_a_rate_that_was_configured_anew_is_not_refilled(valkey, tmp_path, before, after):
    def tier(questions):
        return {"reader": f"questions_per_minute = {questions}\nburst = 3\n"}

    async with running(valkey, tmp_path, tiers=tier(before)) as service:
        bearer = await service.sign_in()
        assert [(await service.ask(bearer)).status_code for _ in range(4)] == [200] * 3 + [429]
    async with running(valkey, tmp_path, tiers=tier(after)) as service:
        refused = await service.ask(bearer)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60 / after


async def test_a_day_is_not_begun_anew_by_a_clock_that_was_set_back(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": FEW}) as service:
        bearer = await service.sign_in()
        assert [(await service.ask(bearer)).status_code for _ in range(5)] == [200] * 4 + [429]
        await service.store.run(command("HINCRBY", f"cg:{{{SUB}}}:at:docs:rate:reader", "day", 1))
        assert (await service.ask(bearer)).status_code == 429


# Security row 44.
async def test_of_20_at_once_a_budget_of_4_admits_4(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": FEW}) as service:
        bearer = await service.sign_in()
        answers = await asyncio.gather(*(service.ask(bearer) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 16
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["violated-policies"] == ["daily"]
        assert parsed(refused.headers["ratelimit"])["daily"]["r"] == 0
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert len(service.backend.received) == 4
        # Yesterday's questions are no longer counted.
        await service.store.run(command("HSET", f"cg:{{{SUB}}}:at:docs:rate:reader", "day", "1"))
        assert (await service.ask(bearer)).status_code == 200


async def test_of_20_at_once_two_run_and_the_others_cost_nothing(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": TWO_AT_ONCE}) as service:
        bearer = await service.sign_in()
        gate = Gate(service.backend)
        asking = [asyncio.create_task(service.ask(bearer)) for _ in range(20)]
        done, _ = await asyncio.wait(asking, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 18:
            more, _ = await asyncio.wait(set(asking) - done, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {one.result().status_code for one in done} == {429}
        assert {one.result().json()["violated-policies"][0] for one in done} == {"concurrent"}
        gate.open.set()
        answers = await asyncio.gather(*asking)
        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 18
        [spent] = await service.store.run(command("HGET", f"cg:{{{SUB}}}:at:docs:rate:reader", "count"))
        assert int(spent) == 2
        assert (await service.ask(bearer)).status_code == 200


async def test_a_refused_question_leaves_the_conversation_whose_first_answer_runs(valkey, tmp_path):
    tiers = {"reader": TWO_AT_ONCE.replace("concurrent = 2", "concurrent = 1")}
    async with running(valkey, tmp_path, tiers=tiers) as service:
        bearer = await service.sign_in()
        gate = Gate(service.backend)
        asking = asyncio.create_task(service.ask(bearer, session_id="c1"))
        await gate.waiting.acquire()
        assert (await service.ask(bearer, session_id="c1")).status_code == 429
        gate.open.set()
        assert (await asking).status_code == 200
        listed = await service.client.get("/sessions", headers=service.headers(bearer))
        assert [one["session_id"] for one in listed.json()["sessions"]] == ["c1"]


async def test_a_full_site_refuses_and_costs_the_reader_nothing(valkey, tmp_path):
    async with running(valkey, tmp_path, site="open_streams = 1") as service:
        first, second = await service.sign_in(), await service.sign_in(sub=OTHER_SUB)
        gate = Gate(service.backend)
        asking = asyncio.create_task(service.ask(first))
        await gate.waiting.acquire()
        refused = await service.ask(second)
        assert (refused.status_code, refused.json()["code"]) == (429, "site_limited")
        assert refused.json()["violated-policies"] == ["site-concurrent"]
        assert refused.json()["type"].endswith("#temporary-reduced-capacity")
        assert parsed(refused.headers["ratelimit"])["site-concurrent"]["r"] == 0
        assert parsed(refused.headers["ratelimit-policy"])["site-concurrent"]["q"] == 1
        gate.open.set()
        assert (await asking).status_code == 200
        tag = f"cg:{{{OTHER_SUB}}}"
        count, leases, listed = await service.store.run(
            command("HGET", f"{tag}:at:docs:rate:reader", "count"),
            command("ZCARD", f"{tag}:at:docs:leases"),
            command("ZCARD", f"{tag}:at:docs:cs"),
        )
        # A Cluster takes the reader's place first and gives it back.
        assert (int(count or 0), leases, listed) == (0, 0, 0)
        assert (await service.ask(second)).status_code == 200


async def test_a_sites_daily_budget_is_everybodys(valkey, tmp_path):
    async with running(valkey, tmp_path, site="daily_questions = 2") as service:
        for number, status in enumerate([200, 200, 429]):
            bearer = await service.sign_in(sub=f"{number}" * 32)
            assert (await service.ask(bearer)).status_code == status


async def test_a_reader_refused_costs_the_site_nothing(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": FEW}) as service:
        bearer = await service.sign_in()
        for _ in range(8):
            await service.ask(bearer)
        count, leases = await service.store.run(
            command("HGET", "cg:{site:docs}:rate", "count"), command("ZCARD", "cg:{site:docs}:leases")
        )
        assert (int(count), leases) == (4, 0)


async def test_guests_share_limits_by_address(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 3\nconcurrent = 1\ndaily_questions = 20\n"
    proxies = '[edge]\ntrusted_proxies = ["127.0.0.0/8"]'
    async with running(valkey, tmp_path, tiers={"guest": limits}, backend=proxies) as service:
        statuses = []
        for number in range(5):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            headers = service.headers(guest) | {"X-Forwarded-For": "192.0.2.66, 203.0.113.7"}
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 200, 429, 429]
        elsewhere = service.headers(guest) | {"X-Forwarded-For": "203.0.113.8"}
        answer = await service.client.post("/chat", json={"message": "x"}, headers=elsewhere)
        assert answer.status_code == 200
        assert (await service.ask(await service.sign_in())).status_code == 200


async def test_guests_behind_a_shared_address_have_limits_of_their_own(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    shared = '[edge]\nshared_addresses = ["127.0.0.0/8"]'
    async with running(valkey, tmp_path, tiers={"guest": limits}, backend=shared) as service:
        for number in range(3):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            statuses = [(await service.ask(guest)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]


# Security row 39: without a trusted hop the header is nobody's address.
async def test_an_invented_address_buys_nothing(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    async with running(valkey, tmp_path, tiers={"guest": limits}) as service:
        statuses = []
        for number in range(3):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            headers = service.headers(guest) | {"X-Forwarded-For": f"203.0.113.{number}"}
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 429]


async def test_a_site_without_guests_takes_none(service):
    guest = await service.sign_in(client="other", tier="guest", proved_by="anonymous")
    assert (await service.ask(guest)).status_code == 401


async def test_a_place_whose_holder_died_is_free_when_its_lease_ends(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers={"reader": TWO_AT_ONCE}) as service:
        bearer = await service.sign_in()
        tag = leases_of()
        [clock] = await service.store.run(command("TIME"))
        now = int(clock[0]) * 1000
        await service.store.run(command("ZADD", tag, now + 9000, "dead1", now + 9000, "dead2"))
        assert (await service.ask(bearer)).status_code == 429
        await service.store.run(command("ZADD", tag, now - 1, "dead1"))
        assert (await service.ask(bearer)).status_code == 200


async def test_without_tokens_there_is_one_local_reader(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    async with running(valkey, tmp_path, proxy='auth = "none"', tiers={"guest": limits}) as service:
        await service.store.run(command("DEL", liveness.CUT))
        for status in (200, 200, 429):
            answer = await service.client.post("/chat", json={"message": "x", "session_id": "c"})
            assert answer.status_code == status
        assert (await service.client.get("/sessions/c")).status_code == 200
        assert (await service.ask("garbage")).status_code == 401
        headers = {"Authorization": "Basic dTpw"}
        assert (await service.client.get("/sessions", headers=headers)).status_code == 401
        assert (await service.client.get("/readyz")).status_code == 200
