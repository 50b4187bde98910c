"""The bodies of real servers' answers: where they end, where they break off, and which side waits for the
other."""

import asyncio
import socket

import pytest

from edge.http_client.answer import ClientMalformed, ClientTorn
from edge.http_client.connection import READ_BUFFER
from tests.edge.http_client.asking import CHUNKED, asked, body_of, running
from tests.edge.http_client.peer import Peer, answer, says, says_and_closes


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_that_has_no_body_has_none_whatever_it_says(status):
    async with Peer(says(answer(b"hello", status=status))) as peer, running() as client:
        assert [await asked(client, peer) for _ in range(2)] == [b""] * 2
        assert peer.opened == 2


async def test_an_answer_that_is_whole_frees_its_connection_before_it_is_read():
    async with Peer(says(answer())) as peer, running() as client:
        first = await client.post(peer.url, {}, b"")
        first.close()
        assert await asked(client, peer) == b"hello"
        assert await body_of(first) == b"hello"
        assert peer.opened == 1


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (answer()[:-1], ClientTorn),
        ((CHUNKED % b"")[:-2], ClientTorn),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloo", ClientMalformed),
    ],
    ids=["length", "chunks", "malformed"],
)
async def test_a_body_that_breaks_off_is_read_so_far_and_is_an_error(raw, error):
    async with Peer(says_and_closes(raw)) as peer, running() as client:
        response = await client.post(peer.url, {}, b"")
        assert (await response.more()).startswith(b"hell")
        for _ in range(2):
            with pytest.raises(error):
                await response.more()


async def test_a_connection_that_is_reset_tears_even_an_answer_without_a_length():
    async def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await go_on.wait()
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    go_on = asyncio.Event()
    async with Peer(behave) as peer, running() as client:
        response = await client.post(peer.url, {}, b"")
        assert await response.more() == b"hello"
        go_on.set()
        with pytest.raises(ClientTorn):
            await response.more()


async def test_a_server_waits_for_a_reader():
    size = 32 << 20

    async def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            writer.write(bytes(1 << 16))
            await writer.drain()

    async with Peer(behave) as peer, Peer(says(answer())) as other, running() as client:
        response = await client.post(peer.url, {}, b"")
        async with asyncio.timeout(5):
            while response.held <= READ_BUFFER:  # noqa: ASYNC110
                await asyncio.sleep(0)
        held = response.held
        for _ in range(20):
            assert await asked(client, other) == b"hello"
        assert response.held == held < 1 << 20
        assert len(await body_of(response)) == size
        peer.behave = says(answer())
        assert await asked(client, peer) == b"hello"
        assert peer.opened == 1


async def test_a_cancelled_wait_for_bytes_may_be_begun_again():
    async def behave(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        await go_on.wait()
        writer.write(b"hello")

    go_on = asyncio.Event()
    async with Peer(behave) as peer, running() as client:
        response = await client.post(peer.url, {}, b"")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.more(), 0.01)
        go_on.set()
        assert await body_of(response) == b"hello"
