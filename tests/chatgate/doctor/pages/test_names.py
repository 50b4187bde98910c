"""A site under its public names, which lead to servers on loopback."""

import ssl
import time
from contextlib import contextmanager

import pytest
from aiohttp.abc import AbstractResolver
from cryptography import x509

from chatgate.doctor.client import Client
from chatgate.doctor.pages import page
from tests.browser.servers import Answer, server
from tests.certificates import Authority
from tests.chatgate.doctor.plain_servers import serving

NAME = "example.org"
HOME = f"https://{NAME}/book/"
PAGE = "<!doctype html><title>A book</title>"


class Names(AbstractResolver):
    """Leads a name and its port to a port of loopback; all others lead nowhere."""

    def __init__(self, ports):
        self.ports = ports

    async def resolve(self, host, port=0, family=0):
        if (host, port) not in self.ports:
            raise OSError("no such name")
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": self.ports[host, port],
                "family": family,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self):
        pass


def home(handler):
    handler.send_response(200 if handler.path == "/book/" else 404)
    handler.send_header("Content-Type", "text/html")
    handler.end_headers()
    handler.wfile.write(PAGE.encode())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@contextmanager
def secure(authority, name):
    """The page over TLS under a name; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign_server(x509.DNSName(name), name))
    with serving(home, context) as port:
        yield port


async def codes(names, authority):
    tls = ssl.create_default_context(cafile=authority.certificate)
    async with Client(time.time, "doctor", tls=tls, resolver=Names(names)) as client:
        looked = await page.look(client, HOME)
    # The page has no widget, which is of no concern here.
    return [(one.code, one.what) for one in looked.findings if one.code != "widget_missing"]


@pytest.fixture
def plain():
    with server() as found:
        yield found


async def test_a_page_that_stays_on_http_is_named(plain, authority):
    plain.answers["/book/"] = lambda _: Answer(PAGE)
    with secure(authority, NAME) as port:
        names = {(NAME, 443): port, (NAME, 80): plain.port}
        assert await codes(names, authority) == [
            ("other_origin_served", f"http://{NAME}/book/ shows the same page and stays there.")
        ]
        plain.answers["/book/"] = lambda _: Answer(status=301, headers={"Location": HOME})
        assert await codes(names, authority) == []


async def test_a_page_that_is_there_with_www_too_is_named(authority):
    with (
        secure(authority, NAME) as port,
        secure(authority, f"www.{NAME}") as other_port,
    ):
        names = {(NAME, 443): port, (f"www.{NAME}", 443): other_port}
        [(code, what)] = await codes(names, authority)
    assert code == "other_origin_served"
    assert what.startswith(f"https://www.{NAME}/book/ ")


async def test_a_site_over_http_alone_is_named(plain):
    plain.answers["/book/"] = lambda _: Answer(PAGE)
    async with Client(time.time, "doctor", resolver=Names({(NAME, 80): plain.port})) as client:
        looked = await page.look(client, f"http://{NAME}/book/")
    assert [one.code for one in looked.findings] == ["site_not_https"]
