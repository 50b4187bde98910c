"""Answers leave at the end of a turn of the event loop; the transports are real ones, on pairs of sockets."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from edge.server.http1.transport import MAX_HELD, Sending
from edge.turns import Turn
from tests.edge.server.http1.front_door import until


@asynccontextmanager
async def line(turn, lingers=lambda: None):
    """A connection's sending side, and the client's socket, which does not block."""
    here, there = socket.socketpair()
    there.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=here)
    with there:
        yield Sending(transport, turn, 5.0, 5.0, lingers), there
        transport.abort()
        await until(lambda: here.fileno() == -1)


def received(client):
    try:
        return client.recv(1 << 20)
    except BlockingIOError:
        return None


async def everything(client):
    """The bytes that come until the server closes."""
    said = bytearray()

    def has_ended():
        piece = received(client)
        said.extend(piece or b"")
        return piece == b""

    await until(has_ended)
    return bytes(said)


async def test_head_and_body_leave_at_the_end_of_the_turn():
    async with line(turn := Turn()) as (first, client), line(turn) as (second, other):
        first.write(b"head ")
        second.write(b"other")
        first.write(b"body")
        assert received(client) is None
        assert received(other) is None
        await asyncio.sleep(0)
        assert received(client) == b"head body"
        assert received(other) == b"other"


async def test_much_leaves_at_once():
    async with line(Turn()) as (sending, client):
        sending.write(b"a")
        sending.write(b"b" * MAX_HELD)
        assert received(client) == b"a" + b"b" * MAX_HELD
        sending.write(b"c")
        assert received(client) is None
        await asyncio.sleep(0)
        assert received(client) == b"c"


@pytest.mark.parametrize("end", [Sending.close, Sending.end])
async def test_the_last_bytes_leave_before_the_connection_ends(end):
    async with line(Turn()) as (sending, client):
        sending.write(b"last")
        end(sending)
        assert await everything(client) == b"last"
        assert sending.is_closing()


async def test_an_abort_drops_what_is_held():
    async with line(Turn()) as (sending, client):
        sending.write(b"dropped")
        sending.abort()
        assert await everything(client) == b""


async def test_a_connection_that_has_gone_takes_no_bytes():
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with line(Turn()) as (sending, client):
        sending.write(b"held")
        # As when the client resets the connection within the turn.
        sending._transport.abort()
        assert await everything(client) == b""
        assert failures == []
