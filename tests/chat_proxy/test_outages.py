"""Rows 26 and 28: Redis in every kind of trouble. Nothing is let through, and every answer comes at once."""

import asyncio
import signal
import time
from functools import partial

import pytest
import redis

from edge.redis.client import command
from edge.redis.commands import DEADLINE
from tests.chat_proxy.service import running
from tests.chat_proxy.waiting import until
from tests.slow_line import SlowLine
from tests.stalls import promptly
from tokens import liveness

WITHIN = 0.3


@pytest.fixture
def redis_deadline():
    return DEADLINE


async def refused(service, bearer):
    """All that needs Redis is refused within the time, and what needs none is not."""
    asked = len(service.backend.received)
    for stream in (False, True):
        headers = service.headers(bearer, stream=stream)
        async with promptly(WITHIN):
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    for path, status in (("/sessions", 503), ("/readyz", 503), ("/healthz", 200)):
        async with promptly(WITHIN):
            answer = await service.client.get(path, headers=service.headers(bearer))
        assert answer.status_code == status, path
    assert len(service.backend.received) == asked


async def recovered(service, bearer):
    async def answers():
        return (await service.ask(bearer)).status_code == 200

    await until(answers, 3)


async def test_refused_and_back(service, valkey):
    bearer = await service.sign_in()
    await recovered(service, bearer)
    valkey.kill()
    await refused(service, bearer)
    valkey.start()
    # Security row 28: it is empty, so no session is judged before the broker set the cuts, and then all are
    # dead.
    await until(lambda: _is(service, bearer, 503), 2)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.hset(liveness.CUT, mapping={"all": int(time.time() * 1000), "kids": "k1"})
    await until(lambda: _is(service, bearer, 401), 2)


async def _is(service, bearer, status):
    return (await service.ask(bearer)).status_code == status


async def test_silent(service, valkey):
    bearer = await service.sign_in()
    await recovered(service, bearer)
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        await refused(service, bearer)
        await refused(service, bearer)
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    await recovered(service, bearer)


@pytest.mark.parametrize(
    ("trouble", "delay", "reply"),
    [
        ("slow", 2.0, None),
        ("loading", 0.0, b"-LOADING server is loading the dataset in memory\r\n"),
        ("garbage", 0.0, b"?what\r\n"),
    ],
)
async def test_slow_or_not_itself(valkey, tmp_path, trouble, delay, reply):
    way = partial(asyncio.open_unix_connection, valkey.socket)
    async with (
        SlowLine(way) as line,
        running(valkey, tmp_path, redis_url=line.url, redis_deadline=DEADLINE) as service,
    ):
        bearer = await service.sign_in()
        await recovered(service, bearer)
        line.delay, line.reply = delay, reply
        await refused(service, bearer)
        line.delay, line.reply = 0.0, None
        await recovered(service, bearer)


async def no_question_is_let_through(service, bearer):
    """By a server that can be read and takes no writes."""
    async with promptly(WITHIN):
        answer = await service.ask(bearer)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await service.client.get("/readyz")).status_code == 503
    assert (await service.client.get("/healthz")).status_code == 200


async def test_read_only(service):
    bearer = await service.sign_in()
    await recovered(service, bearer)
    await service.store.run(command("REPLICAOF", "127.0.0.1", "1"))
    await no_question_is_let_through(service, bearer)
    await service.store.run(command("REPLICAOF", "NO", "ONE"))
    await recovered(service, bearer)


async def test_out_of_memory(service):
    bearer = await service.sign_in()
    await recovered(service, bearer)
    await service.store.run(command("CONFIG", "SET", "maxmemory", "1"))
    await no_question_is_let_through(service, bearer)
    await service.store.run(command("CONFIG", "SET", "maxmemory", "0"))
    await recovered(service, bearer)


async def test_a_wrong_password(valkey, tmp_path):
    url = f"unix://:wrong@{valkey.socket}"
    async with running(valkey, tmp_path, redis_url=url, redis_deadline=DEADLINE) as service:
        bearer = await service.sign_in()
        await service.store.run(command("CONFIG", "SET", "requirepass", "right"))
        await refused(service, bearer)
        with redis.Redis(unix_socket_path=valkey.socket, password="right") as client:
            client.config_set("requirepass", "")


async def test_a_server_that_forgot_the_scripts(service):
    bearer = await service.sign_in()
    for _ in range(3):
        await service.store.run(command("SCRIPT", "FLUSH"))
        answers = await asyncio.gather(*(service.ask(bearer) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}


async def test_an_answer_outlives_a_short_outage(service, valkey):
    go_on = asyncio.Event()

    async def pause(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await go_on.wait()
        await peer.event("done")
        await peer.end()

    service.backend.behaviour = pause
    bearer = await service.sign_in()
    async with service.stream(bearer) as stream:
        assert (await stream.event())[0] == "start"
        valkey.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        valkey.process.send_signal(signal.SIGCONT)
        go_on.set()
        assert (await stream.all())[-1] == ("done", {})
