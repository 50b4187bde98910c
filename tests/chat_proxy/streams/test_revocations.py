"""An answer under way ends with its session, with its lease, or when both have not been confirmed for too
long."""

import asyncio
import signal
import time

import pytest
import redis

from chat_proxy.streams import leases
from chat_proxy.streams.drain import Drain
from chat_proxy.streams.running import RunningAnswers
from edge.redis.client import command
from edge.redis.commands import DEADLINE
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.streams.talks import begun, last_event, say_nothing, talk, talk_on
from tests.chat_proxy.tokens import OTHER_SUB, SUB, token
from tests.chat_proxy.waiting import until
from tests.valkey import PATIENT_S
from tokens import liveness


async def test_a_running_answer_is_cut_with_its_session(service):
    service.backend.behaviour = talk
    taken = []
    for attempt in range(30):
        bearer = await service.sign_in(f"s{attempt}")
        async with begun(service, bearer) as stream:
            await service.sign_out(f"s{attempt}")
            start = time.perf_counter()
            name, members = await last_event(stream, 2)
            taken.append(time.perf_counter() - start)
        assert (name, members["code"]) == ("error", "session_ended")
    assert max(taken) < 0.25


async def test_only_the_session_that_ended_is_cut(service):
    service.backend.behaviour = talk
    mine, theirs = await service.sign_in(), await service.sign_in(sub=OTHER_SUB)
    second = await service.sign_in("s2")
    async with begun(service, mine) as one, begun(service, theirs) as two, begun(service, second) as three:
        await service.sign_out()
        assert (await last_event(one, 1))[1]["code"] == "session_ended"
        await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, f"{SUB} *"))
        assert (await last_event(three, 1))[1]["code"] == "session_ended"
        with pytest.raises(TimeoutError):
            await last_event(two, 0.2)


async def test_a_question_that_waits_for_its_json_is_refused(service):
    service.backend.behaviour = say_nothing
    bearer = await service.sign_in()
    asking = asyncio.create_task(service.ask(bearer))
    await until(service.backend.is_asked, 2)
    await service.sign_out()
    async with asyncio.timeout(1):
        answer = await asking
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("field", ["all", "client:docs"])
async def test_a_cut_ends_what_runs_by_the_message_or_by_the_renewal(service, field, monkeypatch):
    service.backend.behaviour = talk
    bearer = await service.sign_in()
    async with begun(service, bearer) as stream:
        await service.cut(**{field: int(time.time() * 1000) + 1000})
        if field == "all":
            await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, "*"))
        name, members = await last_event(stream, 0.5 if field == "all" else leases.EVERY + 1)
    assert (name, members["code"]) == ("error", "session_ended")


async def test_a_token_or_key_that_is_taken_back_ends_its_answers(service):
    service.backend.behaviour = talk
    await service.sign_in()
    async with begun(service, token(jti="one")) as one, begun(service, token(jti="two")) as two:
        await service.store.run(
            command("SET", liveness.revoked_token(SUB, "one"), "1"),
            command("PUBLISH", liveness.REVOKED_CHANNEL, "*"),
        )
        assert (await last_event(one, 1))[1]["code"] == "session_ended"
        await service.cut(kids="k2")
        await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, "*"))
        assert (await last_event(two, 1))[1]["code"] == "session_ended"


@pytest.mark.parametrize("owner", [SUB, "site:docs"])
async def test_a_lease_that_expired_is_not_renewed(service, owner):
    service.backend.behaviour = talk
    bearer = await service.sign_in()
    async with begun(service, bearer) as stream:
        key = leases_of(owner)
        [[lease]] = await service.store.run(command("ZRANGE", key, 0, -1))
        await service.store.run(command("ZADD", key, 1, lease))
        await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, "*"))
        name, members = await last_event(stream, 1)
        assert (name, members["code"]) == ("error", "temporarily_unavailable")


async def test_a_lease_is_renewed_while_the_answer_runs(service):
    service.backend.behaviour = talk
    bearer = await service.sign_in()
    key = leases_of()
    async with begun(service, bearer):
        [[lease, before]] = await _leases(service, key)

        async def is_renewed():
            return (await _leases(service, key))[0][1] != before

        await until(is_renewed, 4)
        [[same, after]] = await _leases(service, key)
        assert same == lease
        assert 2500 < float(after) - float(before) < 4000
    await until(service.holds_nothing, 2)


async def _leases(service, key):
    [found] = await service.store.run(command("ZRANGE", key, 0, -1, "WITHSCORES"))
    return found


@pytest.mark.parametrize("redis_deadline", [DEADLINE, PATIENT_S])
async def test_eight_seconds_without_a_sure_word_end_the_answer(service, valkey):
    service.backend.behaviour = talk_on
    bearer = await service.sign_in()
    async with begun(service, bearer) as stream:
        start = time.monotonic()
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(12):
                while (event := await stream.event())[0] != "error":
                    spoke = time.monotonic()
        finally:
            valkey.process.send_signal(signal.SIGCONT)
        assert event[1]["code"] == "temporarily_unavailable"
        assert 5 < spoke - start < 9


async def test_events_during_a_gap_are_looked_up(service, valkey):
    service.backend.behaviour = talk
    bearer = await service.sign_in()
    async with begun(service, bearer) as stream:
        # The server comes back empty: neither a message nor a session is left.
        valkey.kill()
        valkey.start()
        with redis.Redis(unix_socket_path=valkey.socket) as client:
            client.hset(liveness.CUT, mapping={"all": 1, "kids": "k1"})
        name, members = await last_event(stream, 2)
        assert (name, members["code"]) == ("error", "session_ended")


async def test_silence_is_filled_with_comments(valkey, tmp_path):
    more = asyncio.Event()

    async def pause(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await more.wait()
        await peer.event("delta", text="yes.")
        await peer.event("done")
        await peer.end()

    drain = Drain(RunningAnswers(keep_alive_after=0.1))
    async with running(valkey, tmp_path, drain=drain) as service:
        service.backend.behaviour = pause
        bearer = await service.sign_in()
        async with begun(service, bearer) as stream:
            for _ in range(3):
                assert await stream.event() == (":", "keep-alive")
            more.set()
            rest = [event for event in await stream.all() if event[0] != ":"]
    assert rest == [("delta", {"text": "yes."}), ("done", {})]
