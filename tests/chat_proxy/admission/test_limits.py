"""Rates and daily budgets of readers and sites, also across changes of the clock and of the configuration."""

import asyncio

import pytest

from edge.redis.client import command
from tests.chat_proxy.fields import parsed
from tests.chat_proxy.service import running
from tests.chat_proxy.tokens import OTHER_SUB, SUB

TIGHT = "questions_per_minute = 6\nburst = 3\nconcurrent = 2\ndaily_questions = 100\n"
FEW = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 4\n"


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


# Security row 29: a clock that was set back locks no reader out for longer than a burst takes.
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
        # Another tier at the same site takes none either.
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
async def test_a_budget_of_4_admits_4_of_20_at_once(valkey, tmp_path):
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
