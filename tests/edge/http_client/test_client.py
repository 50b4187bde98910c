"""Requests to real servers: how they are sent, how connections are made, and TLS."""

import asyncio
import ssl

import pytest
from cryptography import x509

from edge.http_client.answer import ClientTorn
from edge.http_client.client import ClientTimeout
from tests.certificates import Authority
from tests.edge.http_client.asking import asked, body_of, running
from tests.edge.http_client.peer import Peer, answer, is_silent, says, says_and_closes


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


async def test_a_request_is_not_sent_again():
    async with Peer(says(answer())) as peer, running() as client:
        await asked(client, peer)
        peer.behave = says_and_closes(b"")
        with pytest.raises(ClientTorn):
            await asked(client, peer)
        assert len(peer.heads) == 2


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
