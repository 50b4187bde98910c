"""Conversations that are deleted, or crowded, while an answer runs."""

import asyncio

from edge.redis.client import command
from tests.chat_proxy.conversations.routes import READER, delete, listed, read
from tests.chat_proxy.fake_backend import Paused, answer_plainly, reached
from tests.chat_proxy.waiting import until
from tokens import readers


async def test_a_conversation_that_is_deleted_while_it_is_answered_stays_deleted(service):
    bearer = await service.sign_in()
    await service.ask(bearer, session_id="c1")
    service.backend.behaviour = paused = Paused()
    asking = asyncio.create_task(service.ask(bearer, session_id="c1"))
    await reached(paused.asked, asking)
    assert (await delete(service, bearer, "c1")).status_code == 204
    paused.go_on.set()
    assert (await asking).status_code == 200
    assert (await read(service, bearer, "c1")).status_code == 404
    assert await listed(service, bearer) == []
    assert (await delete(service, bearer, "c1")).status_code == 404


async def test_an_answer_from_before_a_deletion_is_in_no_later_conversation_of_that_name(service):
    bearer = await service.sign_in()
    service.backend.behaviour = paused = Paused()
    asking = asyncio.create_task(service.ask(bearer, session_id="c1", message="before"))
    await reached(paused.asked, asking)
    assert (await delete(service, bearer, "c1")).status_code == 204
    service.backend.behaviour = answer_plainly
    assert (await service.ask(bearer, session_id="c1", message="after")).status_code == 200
    paused.go_on.set()
    assert (await asking).status_code == 200
    kept = (await read(service, bearer, "c1")).text
    assert "after" in kept
    assert "before" not in kept


async def test_a_deletion_of_nothing_leaves_nothing(service):
    bearer = await service.sign_in()
    service.backend.behaviour = paused = Paused()
    asking = asyncio.create_task(service.ask(bearer, session_id="c1"))
    await reached(paused.asked, asking)
    [before] = await service.store.run(command("DBSIZE"))
    assert (await delete(service, bearer, "c2")).status_code == 404
    [after] = await service.store.run(command("DBSIZE"))
    assert after == before
    paused.go_on.set()
    assert (await asking).status_code == 200
    assert await listed(service, bearer) == ["c1"]


async def test_refused_questions_beside_an_answer_fill_no_list(service):
    cut_off = await service.sign_in("s2")
    [[seconds, _]] = await service.store.run(command("TIME"))
    await service.cut(**{"client:docs": (int(seconds) + 1) * 1000})
    await until(lambda: is_past(service, int(seconds) + 1), 3)
    bearer = await service.sign_in("s1")
    service.backend.behaviour = paused = Paused()
    asking = asyncio.create_task(service.ask(bearer, session_id="c1"))
    await reached(paused.asked, asking)
    for number in range(60):
        assert (await service.ask(cut_off, session_id=f"d{number}")).status_code == 401
    [count] = await service.store.run(command("ZCARD", readers.conversations(READER)))
    assert count <= 52
    paused.go_on.set()
    assert (await asking).status_code == 200
    assert await listed(service, bearer) == ["c1"]


async def is_past(service, moment):
    """Return True after the second `moment` of Redis' clock."""
    [[seconds, _]] = await service.store.run(command("TIME"))
    return int(seconds) > moment
