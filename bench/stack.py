"""What is measured: the services as processes of their own, with real Valkey and a backend of the bench's."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import psutil

from bench import load
from bench.load import Generator, request
from chatgate import valkey

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = "https://docs.example.org"
REDIRECT_URI: Final = f"{PAGE}/signed-in"
BOOK_PAGE: Final = "https://book.example.org"
PASSWORD: Final = "a-tall-ship-and-a-star"
ACCOUNTS: Final = 200
READY_WITHIN: Final = 30.0

# The limits are as wide as a configuration may make them: what is refused is quickly done, and measures
# nothing.
_LIMITS = "questions_per_minute = 6000\nburst = 1000\nconcurrent = 100\ndaily_questions = 1000000\n"
_TOML = f"""
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{REDIRECT_URI}"]
backend = "bench"
guests = true
daily_questions = 10000000
open_streams = 100000
[sites.book]
origins = ["{BOOK_PAGE}"]
backend = "book"
guests = true
daily_questions = 10000000
open_streams = 100000
[tiers.reader]
{_LIMITS}
[tiers.guest]
{_LIMITS}
"""


@dataclass(frozen=True, slots=True)
class Service:
    """One running process and its port."""

    port: int
    process: psutil.Popen

    def cpu(self) -> float:
        """Seconds of a processor that it and its threads have taken."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident(self) -> int:
        """Bytes of memory."""
        return int(self.process.memory_info().rss)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody signed in: the cookie that proves it and a token that is good for five minutes."""

    cookie: str
    token: str

    def question(self, message: str, *, events: bool = False, page: str = PAGE) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Origin": page}
        if events:
            headers["Accept"] = "text/event-stream"
        return request("POST", "/chat", {"message": message, "mode": "normal"}, headers)

    def token_request(self) -> bytes:
        return request("GET", "/auth/token", headers={"Cookie": self.cookie, "Origin": PAGE})

    def sign_out(self) -> bytes:
        return request("POST", "/api/auth/sign-out", {}, {"Cookie": self.cookie, "Origin": PAGE})


@dataclass
class Stack:
    """Broker, proxy and backends over one Valkey, until the end of the block that `stack` is. `environ` is
    what they were started with."""

    folder: Path
    broker: Service
    proxy: Service
    backend: Service
    book: Service
    floor: Service
    load: Generator
    redis_url: str
    environ: dict[str, str]
    emails: list[str] = field(default_factory=list)
    _cookies: list[str] = field(default_factory=list)

    def readers(self, count: int) -> list[Reader]:
        """With accounts of their own, at most ACCOUNTS, and fresh tokens."""
        if not self._cookies:
            self.renew()
        return self._with_tokens(self._cookies[:count], PAGE)

    def renew(self) -> None:
        """Makes ACCOUNTS readers, who take the place of those whose sessions may have been ended. By new
        accounts, as sign-ins would use up what an address has of them in a minute."""
        self.emails = [f"{secrets.token_hex(8)}@example.org" for _ in range(ACCOUNTS)]
        asked = [
            request(
                "POST",
                "/api/auth/sign-up/email",
                {"name": "Ada", "email": email, "password": PASSWORD},
                {"Origin": PAGE},
            )
            for email in self.emails
        ]
        answers = self.load.call(load.ask_all, self.broker.port, asked, 8)
        self._cookies = [cookie_of(answer) for answer in answers]

    def sign_ins(self, count: int) -> list[bytes]:
        """Requests that sign in as many readers with distinct accounts."""
        return [
            request(
                "POST", "/api/auth/sign-in/email", {"email": email, "password": PASSWORD}, {"Origin": PAGE}
            )
            for email in self.emails[:count]
        ]

    def guests(self, count: int, page: str = PAGE) -> list[Reader]:
        asked = [request("POST", "/api/auth/sign-in/anonymous", {}, {"Origin": page})] * count
        answers = self.load.call(load.ask_all, self.broker.port, asked, 8)
        return self._with_tokens([cookie_of(answer) for answer in answers], page)

    def _with_tokens(self, cookies: Sequence[str], page: str) -> list[Reader]:
        asked = [
            request("GET", "/auth/token", headers={"Cookie": cookie, "Origin": page}) for cookie in cookies
        ]
        answers = self.load.call(load.ask_all, self.broker.port, asked, 8)
        return [
            Reader(cookie, answer.json()["token"]) for cookie, answer in zip(cookies, answers, strict=True)
        ]


def cookie_of(answer: load.Answer) -> str:
    assert answer.status == 200, (answer.status, answer.body)
    return answer.headers["set-cookie"].partition(";")[0]


@contextmanager
def stack() -> Iterator[Stack]:
    # Short, because a unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cgbench"))
    try:
        with ExitStack() as running:
            yield _start(folder, running)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, running: ExitStack) -> Stack:
    ports = dict(
        zip(("broker", "chat_proxy", "bench.backend", "rag_backend", "floor"), free_ports(5), strict=True)
    )
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    config = folder / "chatgate.toml"
    config.write_text(
        f'{_TOML}[backends.bench]\nurl = "{urls["bench.backend"]}"\n'
        f'[backends.book]\nurl = "{urls["rag_backend"]}"\n'
    )
    secret = secrets.token_hex(32)
    redis_url = valkey.url(folder / "s")
    environ = own_environment() | {
        "CHATGATE_CONFIG": str(config),
        "CHATGATE_DATA_DIR": str(folder),
        "CHATGATE_BROKER_URL": urls["broker"],
        "CHATGATE_BROKER_PORT": str(ports["broker"]),
        "CHATGATE_BROKER_SECRET": secrets.token_hex(32),
        "CHATGATE_BROKER_METRICS_PORT": "0",
        "CHATGATE_PROXY_METRICS_PORT": "0",
        "CHATGATE_PROXY_URL": urls["chat_proxy"],
        "CHATGATE_PROXY_PORT": str(ports["chat_proxy"]),
        "CHATGATE_BACKENDS_BENCH_SECRET": secrets.token_hex(32),
        "CHATGATE_BACKENDS_BOOK_SECRET": secret,
        "CHATGATE_BACKEND_SECRET": secret,
        "CHATGATE_BACKEND_PORT": str(ports["rag_backend"]),
        "CHATGATE_BACKEND_INDEX": str(folder / "book.db"),
        # All come from one address here, loopback.
        "CHATGATE_SIGN_IN_SIGN_UPS_PER_ADDRESS": "100000",
        "REDIS_URL": redis_url,
    }
    index = [sys.executable, "-m", "chatgate", "index", str(ROOT / "examples" / "book"), "--into"]
    subprocess.run(
        [*index, str(folder / "book.db")], env=environ, cwd=folder, check=True, capture_output=True
    )

    start = running.enter_context
    start(
        process(valkey.command(folder, folder / "s"), environ, folder, lambda: valkey.answers(folder / "s"))
    )

    def service(name: str, path: str, *arguments: str) -> Service:
        port = ports[name]
        command = (sys.executable, "-m", *(arguments or (name,)))
        return Service(port, start(process(command, environ, folder, lambda: answers(port, path))))

    backend = service("bench.backend", "/", "bench.backend", str(ports["bench.backend"]))
    return Stack(
        folder=folder,
        broker=service("broker", "/readyz"),
        proxy=service("chat_proxy", "/readyz"),
        backend=backend,
        book=service("rag_backend", "/readyz"),
        floor=service("floor", "/", "bench.floor", str(ports["floor"]), urls["bench.backend"], redis_url),
        load=start(Generator()),
        redis_url=redis_url,
        environ=environ,
    )


@contextmanager
def process(
    command: Sequence[str], environ: dict[str, str], folder: Path, is_ready: Callable[[], bool]
) -> Iterator[psutil.Popen]:
    """Runs `command` around the block once it is ready. Its log lines go to a file, as in production."""
    with (folder / f"{len(list(folder.glob('*.log')))}.log").open("wb") as log:
        running = psutil.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not is_ready():
            if running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"does not serve: {' '.join(command)}\n{Path(log.name).read_text()[-3000:]}"
                )
            # Nothing tells from outside when a process listens.
            time.sleep(0.02)
        yield running
    finally:
        running.terminate()
        with suppress(psutil.TimeoutExpired, subprocess.TimeoutExpired):
            running.wait(15)
        if running.poll() is None:
            running.kill()
            running.wait()


def answers(port: int, path: str) -> bool:
    connection = HTTPConnection(load.HOST, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((load.HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def own_environment() -> dict[str, str]:
    """This environment without any setting of ours."""
    ours = ("CHATGATE_", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
