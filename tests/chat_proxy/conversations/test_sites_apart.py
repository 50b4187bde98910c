"""One reader at two sites: neither sees, ends or crowds out what is of the other."""

import asyncio

from tests.chat_proxy.configuration import OTHER_SITE
from tests.chat_proxy.conversations.routes import delete, listed, read
from tests.chat_proxy.fake_backend import Paused, answer_plainly, reached
from tests.chat_proxy.service import running


async def at_both_sites(service):
    """One account's tokens for two sites."""
    return await service.sign_in("s1"), await service.sign_in("s2", client="other")


async def test_another_site_of_the_same_reader_finds_nothing(service):
    here, there = await at_both_sites(service)
    await service.ask(here, "Here?", session_id="c1")
    assert await listed(service, there) == []
    assert (await read(service, there, "c1")).status_code == 404
    assert (await delete(service, there, "c1")).status_code == 404
    # Neither an origin of the other site nor its token opens this one's.
    headers = service.headers(there) | {"Origin": OTHER_SITE}
    assert (await service.client.get("/sessions/c1", headers=headers)).status_code == 404
    await service.ask(there, "There?", session_id="c1")
    assert service.backend.received[-1].json["history"] == []
    for bearer, said in ((here, "Here?"), (there, "There?")):
        messages = (await read(service, bearer, "c1")).json()["messages"]
        assert [one["content"] for one in messages] == [said, "Hello reader."]
        [entry] = (await service.client.get("/sessions", headers=service.headers(bearer))).json()["sessions"]
        assert entry["title"] == said
    assert (await delete(service, there, "c1")).status_code == 204
    assert len((await read(service, here, "c1")).json()["messages"]) == 2


async def test_many_at_one_site_push_none_out_at_another(service):
    here, there = await at_both_sites(service)
    await service.ask(here, session_id="mine")
    for number in range(51):
        await service.ask(there, session_id=f"c{number}")
    assert await listed(service, here) == ["mine"]
    assert len(await listed(service, there)) == 50


async def test_a_deletion_at_one_site_leaves_the_answer_that_runs_at_another(service):
    here, there = await at_both_sites(service)
    await service.ask(there, session_id="c1")
    service.backend.behaviour = paused = Paused()
    asking = asyncio.create_task(service.ask(here, session_id="c1"))
    await reached(paused.asked, asking)
    assert (await delete(service, there, "c1")).status_code == 204
    paused.go_on.set()
    assert (await asking).status_code == 200
    assert await listed(service, here) == ["c1"]


async def test_answers_and_conversations_at_one_site_take_no_room_at_another(valkey, tmp_path):
    one_at_once = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 1\ndaily_questions = 1000\n"
    async with running(valkey, tmp_path, tiers={"reader": one_at_once}) as service:
        here, there = await at_both_sites(service)
        service.backend.behaviour = paused = Paused()
        asking = asyncio.create_task(service.ask(here, session_id="c1"))
        await reached(paused.asked, asking)
        assert (await service.ask(here)).status_code == 429
        service.backend.behaviour = answer_plainly
        assert (await service.ask(there, session_id="c1")).status_code == 200
        paused.go_on.set()
        assert (await asking).status_code == 200
        reads = [read(service, here, "c1") for _ in range(20)]
        *_, one = await asyncio.gather(*reads, read(service, there, "c1"))
        assert one.status_code == 200
