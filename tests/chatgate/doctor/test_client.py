"""The client's limits against servers that know none, and certificates that are not good."""

import ssl
import time
from contextlib import contextmanager

import pytest
from cryptography import x509

from chatgate.doctor import client
from chatgate.doctor.client import Client, Unreachable
from chatgate.doctor.services import certificates
from tests.certificates import Authority
from tests.chatgate.command_line import chatgate
from tests.chatgate.doctor.plain_servers import serving


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while not handler.ended.is_set():
        try:
            handler.wfile.write(b"a" * 65_536)
        except OSError:
            return


def silent(handler):
    handler.ended.wait(30)


def drip(handler):
    handler.send_response(200)
    handler.end_headers()
    while not handler.ended.wait(0.05):
        try:
            handler.wfile.write(b"a")
            handler.wfile.flush()
        except OSError:
            return


def well(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"<!doctype html>")


def headers_without_end(handler):
    handler.send_response(200)
    for _ in range(1000):
        handler.send_header("X-Long", "a" * 8_000)
    handler.end_headers()


async def test_a_body_without_end_is_read_to_its_limit():
    with serving(endless) as port:
        async with Client(time.time, "doctor") as asking:
            answer = await asking.send("GET", f"http://127.0.0.1:{port}/", most=1000)
    assert (len(answer.body), answer.is_whole) == (1000, False)


@pytest.mark.parametrize("handle", [silent, drip])
async def test_an_answer_that_does_not_end_is_given_up(handle):
    with serving(handle) as port:
        async with Client(time.time, "doctor") as asking:
            with pytest.raises(Unreachable) as raised:
                async with asking.opened("GET", f"http://127.0.0.1:{port}/", within=0.5) as response:
                    await client.read(response)
    assert raised.value.reason == "timeout"


async def test_headers_without_end_are_no_answer():
    with serving(headers_without_end) as port:
        async with Client(time.time, "doctor") as asking:
            with pytest.raises(Unreachable) as raised:
                await asking.send("GET", f"http://127.0.0.1:{port}/")
    assert raised.value.reason == "answer"


async def test_there_is_an_end_of_requests():
    with serving(well) as port:
        async with Client(time.time, "doctor", sent=client.MAX_REQUESTS - 1) as asking:
            await asking.send("GET", f"http://127.0.0.1:{port}/")
            with pytest.raises(Unreachable, match="more than 200 requests"):
                await asking.send("GET", f"http://127.0.0.1:{port}/")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@contextmanager
def over_tls(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign_server(x509.DNSName(name)))
    with serving(well, context) as port:
        yield f"https://localhost:{port}"


def test_a_certificate_of_an_unknown_authority_is_named(authority):
    with over_tls(authority, "localhost") as origin:
        result = chatgate("doctor", "--site", f"{origin}/")
    assert result.exit_code == 1
    assert "FAULT certificate_refused" in result.stdout
    assert "unable to get local issuer certificate" in result.stdout


def test_a_certificate_for_another_name_is_named(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with over_tls(authority, "other.example.org") as origin:
        result = chatgate("doctor", "--site", f"{origin}/")
    assert "FAULT certificate_refused" in result.stdout
    assert "not valid for 'localhost'" in result.stdout


async def test_a_certificate_that_ends_soon_is_named(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with over_tls(authority, "localhost") as origin:
        async with Client(time.time, "doctor") as asking:
            [finding] = await certificates.look(asking, [origin, origin, "http://127.0.0.1:1"])
    assert finding.code == "certificate_expires"
    assert finding.what.endswith("expires in 0 days.")
