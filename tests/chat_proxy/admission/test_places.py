"""Places of running answers: how many a reader and a site have, and when one is free again."""

import asyncio

from edge.redis.client import command
from tests.chat_proxy.fake_backend import answer_plainly
from tests.chat_proxy.fields import parsed
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.tokens import OTHER_SUB, SUB

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


async def test_two_of_20_at_once_run_and_the_others_cost_nothing(valkey, tmp_path):
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
