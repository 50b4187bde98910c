"""The same store over TLS and with passwords: one server, Sentinel and a Cluster, of a Redis that has TLS."""

import asyncio
import ipaddress
import shutil
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from cryptography import x509

from edge.redis.client import Store, StoreUnavailable, command
from tests.certificates import Authority
from tests.edge.redis import test_client, test_closing
from tests.edge.redis.outages import COUNT, KEYS, back
from tests.missing import cannot
from tests.stalls import promptly
from tests.topologies.alone import alone
from tests.topologies.clusters import clustered
from tests.topologies.nodes import HOST, Program, folder
from tests.topologies.sentinels import MASTER, watched
from tests.topologies.together import Together

PASSWORD = "right"
TOPOLOGIES: dict[str, Callable[..., AbstractContextManager[Together]]] = {
    "single": alone,
    "sentinel": watched,
    "cluster": partial(clustered, (0, 1, 2)),
}


def program():
    """A Redis with TLS; the embedded Valkey has none. Debian keeps the server under another name too."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if found is None:
        cannot("TLS needs a server that has it (on Debian, apt-get install redis-tools)")
    return found


def ca_query(authority):
    return f"?ssl_ca_certs={authority.certificate}"


@pytest.fixture(scope="module")
def secured():
    path = program()
    with folder() as kept:
        authority = Authority(kept)
        authority.sign_server(x509.IPAddress(ipaddress.ip_address(HOST)))
        files = {"cert": "server.pem", "key": "server.key", "ca-cert": "ca.pem"}
        options = [part for name, file in files.items() for part in (f"--tls-{name}-file", f"{kept}/{file}")]
        for name in ("replication", "cluster"):
            options += [f"--tls-{name}", "yes"]
        options += ["--tls-auth-clients", "no", "--port", "0", "--requirepass", PASSWORD]
        yield Program(
            path,
            name="redis-server",
            port="--tls-port",
            options=(*options, "--masterauth", PASSWORD),
            sentinel=(f"sentinel auth-pass {MASTER} {PASSWORD}",),
            client={"ssl": True, "ssl_ca_certs": f"{kept}/ca.pem", "password": PASSWORD},
            scheme="rediss",
            user=f":{PASSWORD}@",
            query=ca_query(authority),
            sentinel_query=f"&sentinel_password={PASSWORD}",
        )


@pytest.fixture(scope="module", params=TOPOLOGIES)
def started(request, secured):
    with TOPOLOGIES[request.param](program=secured) as together:
        yield together


@pytest.fixture(autouse=True)
async def farewells():
    """The servers' farewells, for which redis-py does not wait. asyncio complains of a TLS connection whose
    loop ends before it has come."""
    yield
    loop: Any = asyncio.get_running_loop()
    watched = loop._selector.get_map()
    async with asyncio.timeout(5):
        # One is the loop's own.
        while len(watched) > 1:  # noqa: ASYNC110 - the selector has no event for it
            await asyncio.sleep(0.005)


test_a_flight = test_client.test_a_flight_answers_in_order
test_an_idle_end = test_client.test_a_connection_that_was_closed_while_it_was_idle_refuses_no_flight
test_a_closed_store = test_closing.test_a_closed_store_leaves_no_task


async def test_the_first_write_is_acknowledged_in_time_by_all_replicas(together, monkeypatch):
    read = ssl.create_default_context

    def read_slowly():
        time.sleep(0.04)
        return read()

    # A system has some hundred authorities, which one flight has not the time to read for each connection.
    monkeypatch.setattr(ssl, "create_default_context", read_slowly)
    # Other files, as it were, than those that were read already.
    url = together.url.replace("ca.pem", "./ca.pem")
    store = Store(url, time.monotonic, replicas=together.replicas)
    assert await store.commit(*(COUNT.call([key]) for key in KEYS)) == [1] * len(KEYS)
    await store.close()


async def test_servers_that_a_stranger_vouches_for_are_refused(together, secured):
    with folder() as path:
        await refused(together.url.replace(secured.query, ca_query(Authority(path))))


async def test_servers_of_another_name_are_refused(together):
    await refused(together.url.replace(HOST, "localhost"))


async def refused(url):
    store = Store(url, time.monotonic)
    async with promptly(0.3):
        with pytest.raises(StoreUnavailable):
            await store.run(command("GET", "a"))
    await store.close()


async def test_a_master_that_is_lost_is_followed(secured):
    with watched(program=secured) as together:
        store = Store(together.url, time.monotonic, replicas=2)
        await store.commit(command("SET", "a", "1"))
        victim = together.master()
        victim.kill()
        async with asyncio.timeout(10):
            while together.successor(victim) is None:  # noqa: ASYNC110 - seen by asking the sentinels
                await asyncio.sleep(0.02)
        await back(store, "b")
        assert await store.run(command("GET", "a")) == [b"1"]
        await store.close()
