"""Connections to real servers: which are used again, and which are closed when."""

import asyncio
import contextlib

import pytest

from edge.http_client.address import parse
from edge.http_client.answer import ClientTorn
from edge.http_client.connection import Connection
from edge.turns import Turn
from tests.edge.http_client.asking import CHUNKED, asked, body_of, running
from tests.edge.http_client.peer import Peer, answer, is_silent, says, says_and_closes
from tests.edge.http_client.reading import Wire


@pytest.mark.parametrize(
    ("raw", "connections"),
    [
        (answer(), 1),
        (CHUNKED % b"", 1),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(), 1),
        (answer().replace(b"1.1", b"1.0"), 2),
        (answer(b"hello", b"Connection: close"), 2),
        (CHUNKED % b"Checked: yes\r\n", 2),
        (answer() + b"x", 2),
        (answer() + answer(b"others"), 2),
    ],
    ids=["length", "chunks", "interim", "old", "close", "trailers", "byte", "answer"],
)
async def test_a_connection_is_used_again_after_an_answer_that_allows_it(raw, connections):
    async with Peer(says(raw)) as peer, running() as client:
        assert [await asked(client, peer) for _ in range(2)] == [b"hello"] * 2
        assert (peer.opened, len(peer.heads)) == (connections, 2)


async def test_an_answer_without_a_length_ends_with_its_connection():
    async with Peer(says_and_closes(b"HTTP/1.1 200 OK\r\n\r\nhello")) as peer, running() as client:
        assert [await asked(client, peer) for _ in range(2)] == [b"hello"] * 2
        assert peer.opened == 2


async def test_an_answer_that_is_closed_early_closes_its_connection():
    async with Peer(says(answer()[:-1])) as peer, running() as client:
        first = await client.post(peer.url, {}, b"")
        first.close()
        with pytest.raises(ClientTorn):
            await body_of(first)
        await peer.ended()
        peer.behave = says(answer())
        assert await asked(client, peer) == b"hello"


@pytest.mark.parametrize("ends", [True, False])
async def test_an_idle_connection_that_ended_or_spoke_is_not_used(ends):
    at = []

    async def behave(writer):
        at.append(writer)
        await says(answer())(writer)

    async with Peer(behave) as peer, running() as client:
        assert await asked(client, peer) == b"hello"
        if ends:
            at[0].close()
            await at[0].wait_closed()
        else:
            at[0].write(answer(b"others"))
        assert await asked(client, peer) == b"hello"
        assert (peer.opened, len(peer.heads)) == (2, 2)


async def test_an_idle_connection_is_closed_in_time():
    async with Peer(says(answer())) as peer, running(idle_for=0.05) as client:
        await asyncio.gather(*(asked(client, peer) for _ in range(3)))
        await peer.ended()
        assert await asked(client, peer) == b"hello"


async def test_an_idle_connection_that_is_too_old_is_not_used():
    async with Peer(says(answer())) as peer, running(idle_for=0) as client:
        assert [await asked(client, peer) for _ in range(2)] == [b"hello"] * 2
        assert peer.opened == 2


async def test_an_answer_before_its_request_is_sent_ends_the_connection():
    left = asyncio.Event()

    async def behave(reader, writer):
        await reader.readexactly(1)
        writer.write(answer(status="413 Content Too Large"))
        await answered.wait()
        # The rest of the client's request never comes.
        with contextlib.suppress(OSError):
            assert len(await reader.read()) < 32 << 20
        writer.close()
        left.set()

    answered = asyncio.Event()
    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with running() as client:
        async with asyncio.timeout(5):
            response = await client.post(url, {}, bytes(32 << 20))
        assert response.status == 413
        assert await body_of(response) == b"hello"
        answered.set()
        await left.wait()
    server.close()


async def test_a_cancelled_wait_for_an_answer_closes_its_connection():
    async with Peer(is_silent) as peer, running() as client:
        asking = asyncio.create_task(client.post(peer.url, {}, b""))
        await peer.reached.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        peer.behave = says(answer())
        assert await asked(client, peer) == b"hello"
        assert peer.opened == 2


async def test_a_wait_that_is_cancelled_as_the_answer_comes_leaves_the_next_request_its_connection():
    wire = Wire()
    idle: list[Connection] = []
    connection = Connection(idle.append, lambda _: None, Turn(), asyncio.get_running_loop())
    connection.connection_made(wire)
    first = asyncio.create_task(connection.ask(b""))
    await asyncio.sleep(0)
    connection.data_received(answer())
    first.cancel()
    assert idle == [connection]
    second = asyncio.create_task(connection.ask(b""))
    with pytest.raises(asyncio.CancelledError):
        await first
    connection.data_received(answer(b"again"))
    assert await body_of(await second) == b"again"
    wire.free()


async def test_bytes_before_the_request_has_left_are_no_answer():
    wire = Wire()
    connection = Connection(lambda _: None, lambda _: None, Turn(), asyncio.get_running_loop())
    connection.connection_made(wire)
    asking = asyncio.create_task(connection.ask(b"POST / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    connection.data_received(answer())
    with pytest.raises(ClientTorn):
        await asking
    assert wire.is_closing()
    wire.free()


async def test_a_request_that_has_not_left_when_its_client_ends_is_not_sent():
    async with Peer(is_silent) as peer, running() as client:
        connection = await client._connected(parse(peer.url).origin)
        asking = asyncio.create_task(connection.ask(b"POST / HTTP/1.1\r\n\r\n"))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientTorn):
            await asking
        await peer.ended()
        assert peer.heads == []


async def test_connections_in_use_end_with_their_client():
    async with Peer(is_silent) as peer, running() as client:
        asking = asyncio.create_task(client.post(peer.url, {}, b""))
        await peer.reached.wait()
        await client.close()
        with pytest.raises(ClientTorn):
            await asking
