"""The signing keys change while two brokers and two proxies work: in order, and in an emergency."""

import asyncio
import base64
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from edge.redis.client import Store
from tests.broker.signing.key_rings import Server, changes
from tests.chatgate.processes import short_folder, until
from tests.ports import free_ports
from tests.system.stack import EVENTS, QUESTION, ROOT, Reader, Stack
from tests.trust import TRUST
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.system

BEFORE, AFTER = 2.0, 4.0
"""Seconds of load around the rotation."""
PAUSE = 0.03
"""Seconds between two questions of one reader, who has a hundred a second."""
ANSWERS_FOR = "events=400"
"""Twenty seconds, so that every stream runs when the key goes."""
WITHIN = 1.0


@dataclass
class Pairs:
    """Two brokers that share one address in their tokens, two proxies that each read the keys of another."""

    stack: Stack
    started: list[Any] = field(default_factory=list)

    def __post_init__(self):
        stack = self.stack
        backend, broker, proxy = free_ports(3)
        stack.environ |= {
            "CHATGATE_BACKENDS_BOOK_URL": f"http://127.0.0.1:{backend}",
            "CHATGATE_TIERS_READER_DAILY_QUESTIONS": "100000",
            "CHATGATE_SITES_DOCS_DAILY_QUESTIONS": "1000000",
        }
        self.brokers = [stack.broker, f"http://127.0.0.1:{broker}"]
        self.proxies = [stack.proxy, f"http://127.0.0.1:{proxy}"]
        stack.valkey.start()
        self._start([sys.executable, "-m", "bench.backend", str(backend)], {})
        self._start([sys.executable, "-m", "broker"], {})
        self._start([sys.executable, "-m", "broker"], {"CHATGATE_BROKER_PORT": str(broker)})
        self._start([sys.executable, "-m", "chat_proxy"], {})
        jwks = f"{self.brokers[1]}/.well-known/jwks.json"
        self._start(
            [sys.executable, "-m", "chat_proxy"],
            {"CHATGATE_PROXY_PORT": str(proxy), "CHATGATE_PROXY_JWKS_URL": jwks},
        )
        for url in (*self.brokers, *self.proxies):
            until(partial(is_ready, url), 20)

    def _start(self, command, changed):
        with (self.stack.folder / f"{len(self.started)}.log").open("wb") as log:
            environ = self.stack.environ | changed
            self.started.append(subprocess.Popen(command, env=environ, cwd=ROOT, stdout=log, stderr=log))

    def stop(self):
        for process in self.started:
            process.kill()
            process.wait()
        self.stack.valkey.kill()

    def logs(self):
        return "".join(path.read_text() for path in self.stack.folder.glob("*.log"))


def is_ready(url):
    try:
        return httpx.get(f"{url}/readyz", verify=TRUST).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def pairs():
    with short_folder() as folder:
        pairs = Pairs(Stack(folder))
        try:
            yield pairs
        finally:
            pairs.stop()


@pytest.fixture
def server(pairs):
    server = Server(pairs.stack.valkey)
    yield server
    server.client.close()


def _is_refused(asker):
    return asker.ask().status_code == 401


def kid_of(token):
    head = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def signed_by(token, kid):
    """The same token as if another key had signed it."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": kid, "typ": "at+jwt"}).encode())
    return ".".join([header.decode().rstrip("="), *token.split(".")[1:]])


class Load:
    """Asks until it is told to stop. `seen` counts (what was asked, status, kid)."""

    def __init__(self):
        self.seen: Counter[tuple[Any, ...]] = Counter()
        self.stop = threading.Event()
        self.threads = []

    def run(self, work, *arguments):
        thread = threading.Thread(target=self._repeat, args=(work, *arguments))
        self.threads.append(thread)
        thread.start()

    def _repeat(self, work, *arguments):
        while not self.stop.is_set():
            try:
                key = work(*arguments)
            except Exception as error:
                key = ("raised", type(error).__name__, "")
            self.seen[key] += 1
            self.stop.wait(PAUSE)

    @contextmanager
    def running(self):
        try:
            yield self
        finally:
            self.stop.set()
            for thread in self.threads:
                thread.join()

    def refused(self):
        """The refusals of good tokens. An answer that leaves it open, as on a machine that is busy with other
        things, is no refusal."""
        unsure = (200, 429, 503)
        return {key: n for key, n in self.seen.items() if key[0] != "unknown" and key[1] not in unsure}


def ask_with_a_new_token(reader, other_proxy):
    """A token of this moment, shown to both proxies."""
    answer = reader.get_token()
    if answer.status_code != 200:
        return "token", answer.status_code, ""
    first = reader.ask()
    if first.status_code != 200:
        return "new", first.status_code, kid_of(reader.token)
    reader.proxy, there = other_proxy, reader.proxy
    second = reader.ask()
    reader.proxy = there
    return "new", second.status_code, kid_of(reader.token)


def ask_with_the_first_token(reader):
    return "old", reader.ask().status_code, kid_of(reader.token)


def ask_with_an_unknown_kid(reader, token):
    """A question that keeps a proxy's cool-down busy: each may cause a fetch of the keys."""
    reader.token = signed_by(token, f"x{time.monotonic_ns()}")
    return "unknown", reader.ask().status_code, ""


@pytest.mark.alone
def test_a_rotation_under_load_refuses_no_good_token(pairs, server):
    load = Load()
    with load.running():
        for at in range(4):
            here = Reader(pairs.brokers[at % 2], pairs.proxies[at // 2]).sign_up()
            load.run(ask_with_a_new_token, here, pairs.proxies[1 - at // 2])
            keeping = Reader(pairs.brokers[0], pairs.proxies[at % 2]).sign_up()
            assert keeping.get_token().status_code == 200
            load.run(ask_with_the_first_token, keeping)
        for proxy in pairs.proxies:
            load.run(ask_with_an_unknown_kid, Reader(pairs.brokers[0], proxy), keeping.token)
        old = kid_of(keeping.token)
        load.stop.wait(BEFORE)
        new = server.age_next()
        command = [sys.executable, "-m", "chatgate", "keys", "rotate"]
        done = subprocess.run(
            command, env=pairs.stack.environ, cwd=ROOT, capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, done.stderr
        before = load.seen["old", 200, old]
        load.stop.wait(AFTER)
    assert load.refused() == {}
    assert {key[2] for key in load.seen if key[0] == "new"} == {old, new}
    # Tokens of the old key were good all the while.
    assert load.seen["old", 200, old] > before > 0
    assert min(load.seen["new", 200, kid] for kid in (old, new)) > 10
    assert load.seen["unknown", 401, ""] > 50
    assert pairs.logs().count('"signing_key_changed"') == 4


def stream(proxy, reader, ends):
    """Reads an answer to its end; notes when that was, and the last it said."""
    headers = {**EVENTS, "Authorization": f"Bearer {reader.token}"}
    body = {**QUESTION, "message": ANSWERS_FOR}
    heard = b""
    try:
        with reader.http.stream("POST", f"{proxy}/chat", json=body, headers=headers) as answer:
            for piece in answer.iter_raw():
                heard = (heard + piece)[-400:]
                ends.setdefault(reader, None)
    except httpx.RemoteProtocolError:
        # The way in which the proxy cuts: the chunks are left without their end.
        pass
    ends[reader] = time.monotonic(), heard


@pytest.mark.alone
def test_a_retired_key_is_dead_at_every_proxy_within_a_second(pairs, server):
    readers = [Reader(pairs.brokers[at % 2], pairs.proxies[at % 2]).sign_up() for at in range(10)]
    askers = [Reader(pairs.brokers[0], proxy).sign_up() for proxy in pairs.proxies]
    for reader in (*readers, *askers):
        assert reader.get_token().status_code == 200
    assert [asker.ask().status_code for asker in askers] == [200, 200]
    ends: dict[Any, Any] = {}
    threads = [threading.Thread(target=stream, args=(one.proxy, one, ends)) for one in readers]
    for thread in threads:
        thread.start()
    until(lambda: len(ends) == len(readers), 10)
    [gone] = {kid_of(reader.token) for reader in readers}

    async def retire():
        store = Store(pairs.stack.valkey.url, time.monotonic, deadline=PATIENT_S)
        secret = pairs.stack.environ["CHATGATE_BROKER_SECRET"].encode()
        await changes(store, secret).retire(lambda key: key.kid == gone)
        await store.close()

    began = time.monotonic()
    asyncio.run(retire())
    for asker in askers:
        until(partial(_is_refused, asker), WITHIN)
    refused_after = time.monotonic() - began
    for thread in threads:
        thread.join(15)
    cut_after = [end[0] - began for end in ends.values()]
    assert all(b"session_ended" in end[1] for end in ends.values())
    assert max(refused_after, *cut_after) < WITHIN
    # The key that took its place was as young as the stack, and its tokens are good everywhere.
    until(lambda: kid_of(Reader.get_token(askers[0]).json()["token"]) != gone, 5)
    for proxy in pairs.proxies:
        askers[0].proxy = proxy
        assert askers[0].ask().status_code == 200
