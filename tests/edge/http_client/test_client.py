"""Connections to real servers: which are used again, and which are closed when."""

import asyncio
import contextlib
import socket
import ssl

import pytest
from cryptography import x509

from edge.http_client.address import parse
from edge.http_client.answer import ClientMalformed, ClientTorn
from edge.http_client.client import ClientTimeout, HttpClient
from edge.http_client.connection import READ_BUFFER, Connection
from edge.turns import Turn
from tests.certificates import Authority
from tests.edge.http_client.peer import Peer, answer, is_silent, says, says_and_closes
from tests.edge.http_client.reading import Wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%s\r\n"


@contextlib.asynccontextmanager
async def running(**times):
    client = HttpClient(**times)
    try:
        yield client
    finally:
        await client.close()


async def body_of(response):
    body = b""
    while chunk := await response.more():
        body += chunk
    return body


async def asked(client, peer, body=b"x"):
    return await body_of(await client.post(f"{peer.url}/chat", {}, body))


async def test_a_request_has_the_given_fields_and_those_of_its_framing():
    async with Peer(says(answer(b"hello", b"X-A: 1", b"x-a: 2"))) as peer, running() as client:
        response = await client.post(f"{peer.url}/a?b=c", {"Content-Type": "text/plain", "X": "y"}, b"asked")
        assert (response.status, response.headers["x-a"]) == (200, "1, 2")
        assert await body_of(response) == b"hello"
        assert await body_of(await client.get(peer.url)) == b"hello"
    own = f"Host: 127.0.0.1:{peer.port}\r\nAccept-Encoding: identity\r\n"
    assert [head.decode() for head in peer.heads] == [
        f"POST /a?b=c HTTP/1.1\r\n{own}Content-Type: text/plain\r\nX: y\r\nContent-Length: 5\r\n\r\n",
        f"GET / HTTP/1.1\r\n{own}\r\n",
    ]
    assert peer.bodies == [b"asked", b""]


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


async def test_a_request_is_not_sent_again():
    async with Peer(says(answer())) as peer, running() as client:
        await asked(client, peer)
        peer.behave = says_and_closes(b"")
        with pytest.raises(ClientTorn):
            await asked(client, peer)
        assert len(peer.heads) == 2


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


def speaks(writer):
    writer.write(b"220 mail\r\n")


@pytest.mark.parametrize(
    "first",
    [speaks, lambda writer: writer.close(), lambda writer: writer.transport.abort()],
    ids=["speaks", "closes", "aborts"],
)
async def test_a_server_that_speaks_or_ends_first_is_refused(first):
    writers = []

    async def behave(_, writer):
        writers.append(writer)
        first(writer)

    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with running() as client:
        for _ in range(20):
            with pytest.raises(ConnectionError):
                await client.post(url, {}, b"")
    server.close()
    for writer in writers:
        writer.close()


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


async def test_connections_in_use_end_with_their_client():
    async with Peer(is_silent) as peer, running() as client:
        asking = asyncio.create_task(client.post(peer.url, {}, b""))
        await peer.reached.wait()
        await client.close()
        with pytest.raises(ClientTorn):
            await asking


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_a_connection_that_is_not_made_leaves_nothing(is_cancelled):
    # The server never answers the beginning of TLS.
    async with Peer() as peer, running(connect_within=30 if is_cancelled else 0.1) as client:
        asking = asyncio.create_task(client.post(f"https://127.0.0.1:{peer.port}/", {}, b""))
        await peer.reached.wait()
        if is_cancelled:
            asking.cancel()
        with pytest.raises(asyncio.CancelledError if is_cancelled else ClientTimeout):
            await asking
        await peer.ended()


async def test_a_server_that_is_not_there_is_an_os_error():
    async with Peer(is_silent) as peer:
        pass
    async with running() as client:
        with pytest.raises(ConnectionRefusedError):
            await client.post(peer.url, {}, b"")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.sign_server(x509.DNSName("localhost"))
    return authority


def tls_of(authority, names):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.path / "server.pem", authority.path / "server.key")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    return context


async def test_a_server_is_known_by_its_certificate(monkeypatch, authority):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    names: list[str | None] = []
    async with Peer(says(answer()), tls=tls_of(authority, names)) as peer, running() as client:
        # The name may have an IPv6 address too, where no server is.
        for _ in range(2):
            response = await client.post(f"https://localhost:{peer.port}/", {}, b"")
            assert await body_of(response) == b"hello"
        assert (peer.opened, names) == (1, ["localhost"])
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.post(f"https://127.0.0.1:{peer.port}/", {}, b"")


async def test_a_server_of_an_unknown_authority_is_refused(authority):
    async with Peer(says(answer()), tls=tls_of(authority, [])) as peer, running() as client:
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.post(f"https://localhost:{peer.port}/", {}, b"")
