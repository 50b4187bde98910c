"""Servers as processes of their own, on free loopback ports, ended by their own pid."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.ports import free_ports
from tests.trust import TRUST
from tests.valkey import PATIENT_S, Valkey

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 30


def python_path(*first: Path) -> str:
    """A PYTHONPATH: `first`, and then this process's own, by which a measured process has others measured."""
    return os.pathsep.join([*map(str, first), *filter(None, [os.environ.get("PYTHONPATH")])])


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Give the file `path` to one of the processes that share out the tests at a time."""
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def serving(
    command: Sequence[str | Path],
    ready_url: str,
    *,
    folder: Path = REPOSITORY,
    environ: Mapping[str, str] | None = None,
    patience: float = PATIENCE_S,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `command` around the block, once `ready_url` answers 200, for which there are `patience` seconds;
    what it wrote is in the failure."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, ready_url, patience):
                output.seek(0)
                raise AssertionError(f"{command} does not serve:\n{output.read().decode()[-4000:]}")
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


@contextmanager
def serving_group(
    script: str, ready_url: str, *, folder: Path, environ: Mapping[str, str], patience: float = PATIENCE_S
) -> Iterator[None]:
    """Runs the commands of a shell around the block. The last one serves, by processes of its own as npm
    does, so the group of them is ended."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["sh", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _answers(process, ready_url, patience):
                output.seek(0)
                raise AssertionError(f"{script} does not serve:\n{output.read().decode()[-4000:]}")
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(process: subprocess.Popen[bytes], url: str, patience: float) -> bool:
    deadline = time.monotonic() + patience
    # One client for all, as each reads the trust store, which takes as long as a start.
    with httpx.Client(verify=TRUST) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if client.get(url).status_code == 200:
                    return True
            # Nothing tells from outside when another process listens, so its port is asked again.
            time.sleep(0.02)
    return False


@contextmanager
def valkey_server() -> Iterator[Valkey]:
    """As the fixture `valkey`, for what is kept longer than one test."""
    # Short, because a unix socket's path has room for 107 bytes.
    server = Valkey(Path(tempfile.mkdtemp(prefix="cg", dir="/tmp")))
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder)


@contextmanager
def broker_process(toml: str, *, secret: str) -> Iterator[str]:
    """`python -m broker` with its own Valkey and SQLite file under the tables of `toml`; its address."""
    [port] = free_ports(1)
    with valkey_server() as valkey, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatgate.toml"
        path.write_text(toml)
        own = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATE_")}
        url = f"http://127.0.0.1:{port}"
        environ = own | {
            "CHATGATE_CONFIG": str(path),
            "CHATGATE_BROKER_URL": url,
            "CHATGATE_BROKER_PORT": str(port),
            "CHATGATE_BROKER_SECRET": secret,
            "CHATGATE_BROKER_METRICS_PORT": "0",
            # Many tests are one reader's at one address.
            "CHATGATE_SIGN_IN_ATTEMPTS_PER_ACCOUNT": "1000",
            "CHATGATE_DATA_DIR": folder,
            "REDIS_URL": valkey.url,
            "CHATGATE_REDIS_DEADLINE_SECONDS": str(PATIENT_S),
        }
        with serving([sys.executable, "-m", "broker"], f"{url}/readyz", environ=environ):
            yield url
