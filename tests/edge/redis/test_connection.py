"""A connection reads what redis-py would read, however the bytes arrive, and takes no other's replies."""

import pytest
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.exceptions import BusyLoadingError, InvalidResponse, NoScriptError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from edge.redis.connection import connect
from tests.edge.redis.relay import relay

COMMANDS = [
    ("SET", "text", "été \r\n$5\r\n"),
    ("GET", "text"),
    ("GET", "nothing"),
    ("HSET", "hash", "a", "1", "b", "2"),
    ("HGETALL", "hash"),
    ("HMGET", "hash", "a", "c"),
    ("ZADD", "set", "1.5", "m"),
    ("ZSCORE", "set", "m"),
    ("EVAL", "return {1, 'two', {3, {}, false}, redis.status_reply('OK')}", "0"),
    ("EVALSHA", "0" * 40, "0"),
    ("INCR", "text"),
    ("SETRANGE", "long", "70000", "x"),
    ("GET", "long"),
]


async def _by_redis_py(socket):
    connection = UnixDomainSocketConnection(path=socket)
    await connection.connect()
    replies = []
    for words in COMMANDS:
        await connection.send_command(*words)
        try:
            replies.append(await connection.read_response())
        except ResponseError as error:
            replies.append(error)
    await connection.disconnect()
    return replies


def _comparable(replies):
    return [(type(one), str(one)) if isinstance(one, Exception) else one for one in replies]


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
async def test_replies_in_pieces_are_those_that_redis_py_reads(valkey, tmp_path, size):
    # Once before, as the number of new fields is a reply too.
    await _by_redis_py(valkey.socket)
    theirs = await _by_redis_py(valkey.socket)
    async with relay(valkey.socket, tmp_path / "r", size) as url:
        connection = await connect(url)
        ours = await connection.exchange(COMMANDS)
        await connection.close()
    assert _comparable(ours) == _comparable(theirs)
    assert [type(one) for one in ours if isinstance(one, Exception)] == [NoScriptError, ResponseError]


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"+ONE\r\n+TWO\r\n", RedisConnectionError),
        (b"-LOADING reading the data\r\n", BusyLoadingError),
        (b"HTTP/1.1 400 Bad Request\r\n", InvalidResponse),
    ],
    ids=["a reply that no command asked for", "a server that loads its data", "bytes that are no reply"],
)
async def test_other_bytes_than_the_commands_replies_end_the_connection(valkey, tmp_path, sent, error):
    async with relay(valkey.socket, tmp_path / "r", 65536, first=sent) as url:
        connection = await connect(url)
        with pytest.raises(error):
            await connection.exchange([("PING",)])
        assert not connection.is_usable
        with pytest.raises(RedisConnectionError, match="closed"):
            await connection.exchange([("PING",)])
        await connection.close()


async def test_a_connection_looks_for_no_version_of_the_library(valkey):
    """Looking for it reads the folders of all installed packages, while the event loop stands still."""
    connection = await connect(f"unix://{valkey.socket}")
    try:
        [told] = await connection.exchange([("CLIENT", "INFO")])
    finally:
        await connection.close()
    assert "lib-name=redis-py lib-ver= " in f"{told.decode()} "
