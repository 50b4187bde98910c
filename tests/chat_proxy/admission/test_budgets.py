"""Budgets of tokens and money: what is reserved, what is let through, and what is counted in the end."""

import asyncio
import json
import math
import os
import signal

import pytest

from chat_proxy import redis_keys
from chat_proxy.usage import sums
from edge.redis.client import command
from tests.chat_proxy.backends.completions import chunk, data, refuses, says, streams, whole
from tests.chat_proxy.configuration import GENEROUS
from tests.chat_proxy.fake_backend import Paused, reached
from tests.chat_proxy.fields import parsed
from tests.chat_proxy.processes import started
from tests.chat_proxy.service import running
from tests.chat_proxy.tokens import SUB
from tests.chat_proxy.waiting import until
from tests.matches import find
from tokens import readers

MODEL = (
    'kind = "openai"\nmodel = "m"\nmax_tokens = 100\nsystem_prompt = "x"\nprice_in = 0.5\nprice_out = 2.0\n'
)
AMPLE = "daily_tokens = 1000000\n"
STATE = readers.rate(readers.reader(SUB, "docs"), "reader")


def tier(text):
    return {"reader": GENEROUS + text, "guest": GENEROUS}


async def spent(service, name=STATE):
    [found] = await service.store.run(command("HMGET", name, "tokens", "cost"))
    return [int(one or 0) for one in found]


async def used(service):
    [one] = await sums.days(service.store, "docs")
    return one.questions, one.tokens_in, one.tokens_out, one.cost


def refusal(answer):
    return answer.status_code, answer.json()["code"], answer.json()["violated-policies"]


async def test_a_question_is_let_through_while_the_rest_may_pay_for_it(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier("daily_tokens = 2000\n")) as service:
        bearer = await service.sign_in()
        service.backend.behaviour = streams(says("Hello.", usage=(300, 400)))
        answers = [await service.ask(bearer) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert refusal(answers[2]) == (429, "rate_limited", ["daily-tokens"])
        assert len(service.backend.received) == 2
        assert int(answers[2].headers["retry-after"]) > 1
        left = [parsed(one.headers["ratelimit"])["daily-tokens"]["r"] for one in answers]
        estimate = 2000 - left[0]
        # 1,536 bytes of frame and 14 of texts are 517 tokens, and the answer may have 100.
        assert (estimate, left[1:]) == (617, [2000 - 700 - 617, 2000 - 1400])
        assert parsed(answers[0].headers["ratelimit-policy"])["daily-tokens"] == {
            "q": 2000,
            "w": 86400,
            "qu": "tokens",
        }
        assert await spent(service) == [1400, 1900]
        assert await used(service) == (2, 600, 800, 0.0019)
        [one] = await sums.spenders(service.store, "docs")
        assert (one.user, one.tokens) == (SUB, 1400)
        counted = service.metrics.snapshot()["chatgate_tokens_total"][1]
        assert counted == {("docs", "main", "in"): [600], ("docs", "main", "out"): [800]}
        # Another reader has a budget of their own, and another site too.
        assert (await service.ask(await service.sign_in("o1", client="other"))).status_code == 200


async def test_a_sites_money_is_everybodys(valkey, tmp_path):
    # The estimate costs 517 × 0.5 + 100 × 2 = 459 millionths, and each answer 1,000.
    async with running(valkey, tmp_path, backend=MODEL, site="daily_cost = 0.0016\n") as service:
        service.backend.behaviour = streams(says("Hello.", usage=(1000, 250)))
        bearers = [await service.sign_in("s1"), await service.sign_in("s2", sub="a" * 32)]
        answers = [await service.ask(bearer) for bearer in (*bearers, bearers[0])]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert refusal(answers[2]) == (429, "site_limited", ["site-daily-cost"])
        assert parsed(answers[2].headers["ratelimit-policy"])["site-daily-cost"]["q"] == 1600
        assert await spent(service, redis_keys.state(redis_keys.site("docs"))) == [2500, 2000]
        # Nothing is counted for a reader without a budget.
        assert await spent(service) == [0, 0]


async def test_the_users_of_a_day_are_forgotten_whatever_the_clock_did(service):
    # A clock that was ahead for days: the list of its day has expired, and that day is still to come.
    [[now, _]] = await service.store.run(command("TIME"))
    await service.store.run(command("HSET", redis_keys.usage("docs"), "day", int(now) // 86_400 + 5))
    assert (await service.ask(await service.sign_in())).status_code == 200
    [left] = await service.store.run(command("PTTL", redis_keys.spenders("docs")))
    assert 0 < left <= 2 * 86_400_000


async def test_running_answers_hold_what_they_may_take(valkey, tmp_path):
    async with running(valkey, tmp_path, tiers=tier("daily_tokens = 3000\n")) as service:
        paused = Paused()
        service.backend.behaviour = paused
        bearer = await service.sign_in()
        asking = asyncio.create_task(service.ask(bearer))
        await reached(paused.asked, asking)
        refused = await service.ask(bearer)
        assert refusal(refused) == (429, "rate_limited", ["daily-tokens"])
        # A running answer may take less than it holds, so the wait is short.
        assert refused.headers["retry-after"] == "1"
        paused.go_on.set()
        assert (await asking).status_code == 200
        assert (await service.ask(bearer)).status_code == 200


async def test_untold_tokens_are_counted_and_a_cut_stream_pays_for_those_that_came(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier(AMPLE)) as service:
        bearer = await service.sign_in()
        service.backend.behaviour = refuses("500 Oops")
        assert (await service.ask(bearer)).status_code == 502
        assert await spent(service) == [0, 0]
        service.backend.behaviour = streams(chunk({"reasoning_content": "y" * 300}) + says("x" * 600))
        assert (await service.ask(bearer)).status_code == 200
        [asked] = {len(one.body) for one in service.backend.received[1:]}
        _, tokens_in, tokens_out, _ = await used(service)
        assert (tokens_in, tokens_out) == (math.ceil(asked / 3), 300)
        assert await spent(service) == [tokens_in + 300, math.ceil(tokens_in / 2) + 600]

        async def half(peer):
            await peer.head()
            await peer.chunk(chunk({"content": "x" * 900}))
            await peer.gone()

        service.backend.behaviour = half
        async with service.stream(bearer) as stream:
            assert (await stream.event())[0] == "start"
            await stream.event()
        # The reader has gone.
        await until(lambda: _is_spent(service, 2 * tokens_in + 600), 3)


async def test_thoughts_of_a_whole_answer_are_paid_for(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier(AMPLE)) as service:
        bearer = await service.sign_in()
        for message, tokens in (
            ({"content": "x" * 300, "reasoning_content": "y" * 600}, 300),
            ({"content": f"<think>{'y' * 585}</think>{'x' * 300}"}, 300),
            ({"content": [{"type": "text", "text": "x" * 300}], "reasoning": "y" * 30}, 110),
        ):
            before = await used(service) if service.backend.received else (0, 0, 0, 0)
            service.backend.behaviour = whole(message)
            assert (await service.ask(bearer)).status_code == 200
            assert (await used(service))[2] - before[2] == tokens, message


async def test_what_nobody_tells_is_never_more_than_was_reserved(valkey, tmp_path):
    """A quotation mark of a selection is four bytes of the request, and no more than one of the text."""
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier(AMPLE)) as service:
        bearer = await service.sign_in()
        service.backend.behaviour = streams(says("x" * 30))
        answer = await service.ask(bearer, selected_text='a"' * 6000)
        reserved = 1_000_000 - parsed(answer.headers["ratelimit"])["daily-tokens"]["r"]
        _, tokens_in, tokens_out, _ = await used(service)
        assert tokens_in + tokens_out <= reserved
        assert tokens_in > 4000


async def test_what_comes_after_a_count_is_paid_for_where_no_other_follows(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier(AMPLE)) as service:
        bearer = await service.sign_in()
        counts = {"prompt_tokens": 40, "completion_tokens": 1}

        async def cut(peer):
            await peer.head()
            await peer.chunk(data({"choices": [{"delta": {"role": "assistant"}}], "usage": counts}))
            await peer.chunk(chunk({"content": "x" * 900}))
            peer.writer.transport.abort()

        service.backend.behaviour = cut
        await service.ask(bearer)
        assert (await used(service))[1:3] == (40, 301)
        # A count at each chunk, and one at the end, say all.
        total = {"prompt_tokens": 40, "completion_tokens": 7}
        told = chunk({"content": "x" * 900}).replace(
            b'{"id"', b'{"usage": ' + json.dumps(total).encode() + b', "id"'
        )
        service.backend.behaviour = streams(told, says("y" * 30, usage=(40, 9)))
        assert (await service.ask(bearer)).status_code == 200
        assert (await used(service))[1:3] == (80, 310)


async def _is_spent(service, tokens):
    return (await spent(service))[0] == tokens


async def test_an_outage_counts_an_answer_once(valkey, tmp_path):
    async with running(valkey, tmp_path, backend=MODEL, tiers=tier(AMPLE), redis_deadline=0.2) as service:
        bearer = await service.sign_in()
        answer = streams(says("Hello.", usage=(30, 40)))
        service.backend.behaviour = answer
        # The server knows the scripts from now on, so a flight that it reads late is run.
        assert (await service.ask(bearer)).status_code == 200
        paused = Paused(answer)
        service.backend.behaviour = paused
        asking = asyncio.create_task(service.ask(bearer))
        await reached(paused.asked, asking)
        before = await _settlements(service)
        os.kill(valkey.process.pid, signal.SIGSTOP)
        try:
            paused.go_on.set()
            assert (await asking).status_code == 200
        finally:
            os.kill(valkey.process.pid, signal.SIGCONT)
        # The stalled server counts it when it wakes, and the proxy repeats the call.
        await until(lambda: _is_settled(service, before + 2), 10)
        assert await spent(service) == [140, 190]
        assert await used(service) == (2, 60, 80, 0.00019)


async def _settlements(service):
    """The number of settlements of the reader's budget, by a command that each of them runs once."""
    [told] = await service.store.run(command("INFO", "commandstats"))
    return int(find(rb"cmdstat_zremrangebyscore:calls=(\d+)", told)[1])


async def _is_settled(service, calls):
    return await _settlements(service) >= calls


@pytest.mark.system
async def test_kill_9_leaves_the_count_and_no_reservation(valkey, tmp_path):
    limits = tier("daily_tokens = 1300\n")
    async with started(valkey, tmp_path, backend=MODEL, tiers=limits) as killed:
        service = killed.service
        bearer = await service.sign_in()
        service.backend.behaviour = streams(says("Hello.", usage=(300, 100)))
        assert (await service.ask(bearer)).status_code == 200
        paused = Paused()
        service.backend.behaviour = paused
        asking = asyncio.create_task(service.ask(bearer))
        await reached(paused.asked, asking)
        killed.process.kill()
        await killed.process.wait()
        await asyncio.gather(asking, return_exceptions=True)
    async with running(valkey, tmp_path, backend=MODEL, tiers=limits) as service:
        service.backend.behaviour = streams(says("Hello.", usage=(300, 100)))
        assert refusal(await service.ask(bearer)) == (429, "rate_limited", ["daily-tokens"])
        # The lease of the killed process ends, and with it what it held; what was counted before stays.
        await until(lambda: _answers(service, bearer), 15)
        assert await spent(service) == [800, 700]


async def _answers(service, bearer):
    answer = await service.ask(bearer)
    return answer.status_code == 200
