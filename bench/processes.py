"""Services as processes of their own: their environment, their start and their end."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import psutil

from bench.http1 import HOST
from chatgate.stack import valkey

ROOT: Final = Path(__file__).parent.parent
READY_WITHIN: Final = 30.0
_SETTING: Final = re.compile(r"`(CHATGATE_[A-Z_]+)`")


@dataclass(frozen=True, slots=True)
class Build:
    """The source that services run from, and the interpreter that has their libraries."""

    root: Path
    python: str


HERE: Final = Build(ROOT, sys.executable)


@dataclass(frozen=True, slots=True)
class Service:
    """One running process and its port, 0 for a server on a socket of the file system."""

    port: int
    process: psutil.Popen

    def cpu(self) -> float:
        """Processor seconds that the process and its threads have used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def cpu_of_all(self) -> float:
        """The same of the process and those that it has started and that still run."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    def resident(self) -> int:
        """Bytes of memory."""
        return int(self.process.memory_info().rss)


def environment(folder: Path, toml: str, ports: Mapping[str, int]) -> dict[str, str]:
    """The environment of the services. Their configuration, `toml` with the backends `bench` and `book`, is
    written to `folder`; `ports` maps the name of each package to its port."""
    config = folder / "chatgate.toml"
    config.write_text(
        f'{toml}[backends.bench]\nurl = "{url_of(ports["bench.backend"])}"\n'
        f'[backends.book]\nurl = "{url_of(ports["rag_backend"])}"\n'
    )
    secret = secrets.token_hex(32)
    return own_environment() | {
        "CHATGATE_CONFIG": str(config),
        "CHATGATE_DATA_DIR": str(folder),
        "CHATGATE_BROKER_URL": url_of(ports["broker"]),
        "CHATGATE_BROKER_PORT": str(ports["broker"]),
        "CHATGATE_BROKER_SECRET": secrets.token_hex(32),
        "CHATGATE_BROKER_METRICS_PORT": "0",
        "CHATGATE_PROXY_METRICS_PORT": "0",
        "CHATGATE_PROXY_URL": url_of(ports["chat_proxy"]),
        "CHATGATE_PROXY_PORT": str(ports["chat_proxy"]),
        "CHATGATE_BACKENDS_BENCH_SECRET": secrets.token_hex(32),
        "CHATGATE_BACKENDS_BOOK_SECRET": secret,
        "CHATGATE_BACKEND_SECRET": secret,
        "CHATGATE_BACKEND_PORT": str(ports["rag_backend"]),
        "CHATGATE_BACKEND_INDEX": str(folder / "book.db"),
        # Figures of other scenarios do not depend on whether the extra is installed.
        "CHATGATE_BACKEND_EMBEDDINGS_MODEL": "none",
        # Every client here has one address, loopback.
        "CHATGATE_SIGN_IN_SIGN_UPS_PER_ADDRESS": "100000",
        "CHATGATE_SIGN_IN_ATTEMPTS_PER_ADDRESS": "100000",
        "REDIS_URL": valkey.url(folder / "s"),
    }


def known_to(build: Build, environ: dict[str, str]) -> dict[str, str]:
    """`environ` without the settings that are newer than `build`: it refuses to start with one that it does
    not know."""
    newer = _documented(HERE) - _documented(build)
    return {name: value for name, value in environ.items() if name not in newer}


def _documented(build: Build) -> set[str]:
    return set(_SETTING.findall((build.root / "docs" / "configuration.md").read_text()))


def url_of(port: int) -> str:
    return f"http://{HOST}:{port}"


def index_book(folder: Path, environ: dict[str, str], build: Build = HERE) -> None:
    index = [build.python, "-m", "chatgate", "index", str(build.root / "examples" / "book"), "--into"]
    subprocess.run(
        [*index, str(folder / "book.db")], env=environ, cwd=build.root, check=True, capture_output=True
    )


@contextmanager
def store(folder: Path, environ: dict[str, str]) -> Iterator[Service]:
    """A Valkey server on the socket that REDIS_URL names."""
    at = folder / "s"
    with process(valkey.command(folder, at), environ, folder, lambda: valkey.answers(at)) as running:
        yield Service(0, running)


@contextmanager
def serving(
    folder: Path, environ: dict[str, str], port: int, path: str, *module: str, build: Build = HERE
) -> Iterator[Service]:
    """Run a Python module with its arguments; yields once it answers GET `path` on `port`."""
    command = (build.python, "-m", *module)
    with process(command, environ, folder, lambda: answers(port, path), root=build.root) as running:
        yield Service(port, running)


@contextmanager
def process(
    command: Sequence[str],
    environ: dict[str, str],
    folder: Path,
    is_ready: Callable[[], bool],
    *,
    root: Path = ROOT,
    patience: float = READY_WITHIN,
) -> Iterator[psutil.Popen]:
    """Run `command` in `root` for the length of the block, once it is ready, for which it has `patience`
    seconds. Its log lines go to a file, as in production."""
    with (folder / f"{len(list(folder.glob('*.log')))}.log").open("wb") as log:
        running = psutil.Popen(
            command, cwd=root, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + patience
        while not is_ready():
            if running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"does not serve: {' '.join(command)}\n{Path(log.name).read_text()[-3000:]}"
                )
            # A process sends no signal when it listens, so it is polled.
            time.sleep(0.02)
        yield running
    finally:
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired, subprocess.TimeoutExpired):
            running.terminate()
            running.wait(15)
        if running.poll() is None:
            running.kill()
            running.wait()


def answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1)
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
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def own_environment() -> dict[str, str]:
    """This environment without any setting of ours."""
    ours = ("CHATGATE_", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
