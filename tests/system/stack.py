"""The services as processes of their own, each of which a test can kill and start again."""

import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.chatgate.processes import until
from tests.ports import free_ports
from tests.processes import PATIENCE_S
from tests.sample_book import indexed
from tests.trust import TRUST
from tests.valkey import PATIENT_S, Valkey

ROOT = Path(__file__).parents[2]
PAGE = "http://127.0.0.1:3000"
JSON = {"Content-Type": "application/json"}
EVENTS = {**JSON, "Accept": "text/event-stream"}
QUESTION = {"message": "How often does the station record a value?", "session_id": "s1", "mode": "normal"}


def own_environment() -> dict[str, str]:
    """This environment without any setting of ours but that books are found by words alone, as vectors of
    the sample book take seconds."""
    ours = ("CHATGATE_", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"CHATGATE_BACKEND_EMBEDDINGS_MODEL": "none"}


@dataclass
class Stack:
    """Broker, proxy and backend over one Valkey whose data is kept on disk, in a folder of the test's.

    `toml` takes the place of the configuration for development. `redis_deadline` is in seconds.
    """

    folder: Path
    toml: str | None = None
    redis_deadline: float = PATIENT_S
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = dict(zip(("broker", "chat_proxy", "rag_backend"), free_ports(3), strict=True))
        self.valkey = Valkey(self.folder)
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.broker, self.proxy, self.backend = urls.values()
        self.environ = own_environment() | {
            "CHATGATE_CONFIG": str(ROOT / "chatgate" / "development.toml"),
            "CHATGATE_DATA_DIR": str(self.folder),
            "CHATGATE_BROKER_URL": self.broker,
            "CHATGATE_BROKER_PORT": str(self.ports["broker"]),
            "CHATGATE_BROKER_SECRET": "the broker's secret of these tests, long",
            "CHATGATE_BROKER_METRICS_PORT": "0",
            "CHATGATE_PROXY_METRICS_PORT": "0",
            "CHATGATE_PROXY_URL": self.proxy,
            "CHATGATE_PROXY_PORT": str(self.ports["chat_proxy"]),
            "CHATGATE_SITES_DOCS_ORIGINS": PAGE,
            "CHATGATE_TIERS_READER_QUESTIONS_PER_MINUTE": "6000",
            "CHATGATE_TIERS_READER_BURST": "1000",
            "CHATGATE_SIGN_IN_ATTEMPTS_PER_ACCOUNT": "1000",
            "CHATGATE_BACKENDS_BOOK_URL": self.backend,
            "CHATGATE_BACKENDS_BOOK_SECRET": "the backend's secret of these tests, long",
            "CHATGATE_BACKEND_SECRET": "the backend's secret of these tests, long",
            "CHATGATE_BACKEND_PORT": str(self.ports["rag_backend"]),
            "CHATGATE_BACKEND_INDEX": str(self.folder / "book.db"),
            "REDIS_URL": self.valkey.url,
            "CHATGATE_REDIS_DEADLINE_SECONDS": str(self.redis_deadline),
        }
        if self.toml is not None:
            (self.folder / "chatgate.toml").write_text(self.toml)
            self.environ["CHATGATE_CONFIG"] = str(self.folder / "chatgate.toml")

    def start_all(self, start_valkey: Callable[[Path], Valkey] | None = None) -> None:
        """`start_valkey` starts another Valkey in the folder than the usual one."""
        (self.folder / "book.db").write_bytes(indexed())
        if start_valkey is None:
            self.valkey.start()
        else:
            self.valkey = start_valkey(self.folder)
        for name in self.ports:
            self.start(name, wait=False)
        for name in self.ports:
            self.wait_for(name)

    def start(self, name: str, *, wait: bool = True) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", name], env=self.environ, cwd=self.folder, stdout=log, stderr=log
        )
        log.close()
        if wait:
            self.wait_for(name)

    def wait_for(self, name: str) -> None:
        try:
            # One client, as each reads the trust store, which takes as long as the start that is waited for.
            with httpx.Client(verify=TRUST) as client:
                until(lambda: _is_ready(client, self.ports[name]), PATIENCE_S)
        except AssertionError:
            raise AssertionError(f"{name} is not ready:\n{self.log_of(name)[-3000:]}") from None

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.valkey.kill()

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


def _is_ready(client: httpx.Client, port: int) -> bool:
    with suppress(httpx.TransportError):
        return client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    return False


def browser_on(page: str, *, url: str = "", verify: Any = TRUST, **headers: Any) -> httpx.Client:
    """A client that sends the origin of `page`, and whose connections are closed once the test has dropped
    it."""
    transport = httpx.HTTPTransport(verify=verify)
    headers = {"Origin": page, **headers}
    client = httpx.Client(base_url=url, headers=headers, transport=transport, timeout=20)
    weakref.finalize(client, transport.close)
    return client


class Reader:
    """A browser on a page of the site, with an account of its own."""

    def __init__(self, broker: str, proxy: str, page: str = PAGE) -> None:
        self.broker, self.proxy = broker, proxy
        self.http = browser_on(page)
        self.token = ""

    def sign_up(self) -> Self:
        body = {
            "name": "Ada",
            "email": f"ada-{time.time_ns()}@example.com",
            "password": "a-tall-ship-and-a-star",
        }
        answer = self.http.post(f"{self.broker}/api/auth/sign-up/email", json=body)
        assert answer.status_code == 200, answer.text
        return self

    def get_token(self) -> httpx.Response:
        answer = self.http.get(f"{self.broker}/auth/token")
        if answer.status_code == 200:
            self.token = answer.json()["token"]
        return answer

    def sign_out(self) -> httpx.Response:
        return self.http.post(f"{self.broker}/api/auth/sign-out", json={})

    def ask(self, **more: Any) -> httpx.Response:
        headers = {**JSON, "Authorization": f"Bearer {self.token}"}
        return self.http.post(f"{self.proxy}/chat", json={**QUESTION, **more}, headers=headers)

    def ask_for_events(self, **more: Any) -> list[tuple[str, str]]:
        """The events as (name, data text) pairs, and the answer's headers."""
        headers = {**EVENTS, "Authorization": f"Bearer {self.token}"}
        with self.http.stream(
            "POST", f"{self.proxy}/chat", json={**QUESTION, **more}, headers=headers
        ) as answer:
            assert answer.status_code == 200, answer.read()
            text = answer.read().decode()
        blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
        return [(event.removeprefix("event: "), data.removeprefix("data: ")) for event, data in blocks]
