"""A subscription hears what is published from its confirmation on, and tells of its end."""

import asyncio

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from edge.redis.subscription import subscribed
from tests.edge.redis.relay import relay
from tests.valkey import PATIENT_S

SENT = [b"one", "\u00e9t\u00e9 \r\n$5\r\n".encode(), b"", b"x" * 70_000]


@pytest.fixture
def client(valkey):
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        yield client


def hearing(valkey, hear, url=""):
    return subscribed(url or f"unix://{valkey.socket}", "news", hear, PATIENT_S)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("size", [1, 7, 65536])
async def test_messages_are_heard_whole_and_in_order(valkey, client, tmp_path, size, protocol):
    heard, are_all = [], asyncio.Event()

    def hear(message):
        heard.append(message)
        if len(heard) == len(SENT):
            are_all.set()

    async with (
        relay(valkey.socket, tmp_path / "r", size) as url,
        hearing(valkey, hear, f"{url}?protocol={protocol}"),
    ):
        client.publish("other", "not for it")
        for one in SENT:
            assert client.publish("news", one) == 1
        async with asyncio.timeout(PATIENT_S):
            await are_all.wait()
    assert heard == SENT


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_server_that_answers_a_ping_is_not_silent(valkey, protocol):
    url = f"unix://{valkey.socket}?protocol={protocol}"
    async with hearing(valkey, lambda _: None, url) as subscription:
        assert not await subscription.wait(0.05)
        subscription.ping()
        assert await subscription.wait(1)


async def test_a_wait_ends_with_the_first_message(valkey, client):
    # A silence is counted from there: longer, and a dead connection would be noticed that much later.
    async with hearing(valkey, lambda _: None) as subscription:
        waiting = asyncio.create_task(subscription.wait(60))
        client.publish("news", "one")
        async with asyncio.timeout(PATIENT_S):
            assert await waiting


async def test_a_connection_that_the_server_closes_ends_the_wait(valkey, client):
    async with hearing(valkey, lambda _: None) as subscription:
        waiting = asyncio.create_task(subscription.wait(PATIENT_S))
        client.client_kill_filter(_type="pubsub")
        with pytest.raises(RedisConnectionError):
            await waiting
        with pytest.raises(RedisConnectionError):
            await subscription.wait(PATIENT_S)


async def test_a_message_that_cannot_be_taken_ends_it_with_that(valkey, client):
    def hear(message):
        raise ValueError(message)

    async with hearing(valkey, hear) as subscription:
        client.publish("news", "odd")
        with pytest.raises(ValueError, match="odd"):
            await subscription.wait(PATIENT_S)


async def test_a_user_that_may_not_hear_the_channel_is_refused(valkey, client):
    client.acl_setuser(
        "deaf", enabled=True, nopass=True, commands=["+@all"], keys=["*"], channels=["other"], reset=True
    )
    try:
        with pytest.raises(NoPermissionError):
            async with hearing(valkey, lambda _: None, f"unix://deaf:any@{valkey.socket}"):
                pytest.fail("it was confirmed")
    finally:
        client.acl_deluser("deaf")


async def test_a_server_that_confirms_nothing_is_left(tmp_path):
    left = asyncio.Event()

    async def hold(reader, writer):
        while await reader.read(65536):
            pass
        writer.close()
        left.set()

    server = await asyncio.start_unix_server(hold, tmp_path / "s")
    async with server:
        with pytest.raises(TimeoutError):
            async with subscribed(f"unix://{tmp_path / 's'}", "news", lambda _: None, 0.1):
                pytest.fail("it was confirmed")
        async with asyncio.timeout(PATIENT_S):
            await left.wait()
