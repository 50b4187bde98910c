"""Servers as processes of their own, on free loopback ports, ended by their own pid."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.ports import free_ports
from tests.valkey import Valkey

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 30


@contextmanager
def alone_with(path):
    """Of the processes that share out the tests, one at a time has the file `path`."""
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def serving(command, ready_url, *, folder=REPOSITORY, environ=None):
    """Runs `command` around the block, once `ready_url` answers 200; what it wrote is in the failure."""
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
            if not _answers(process, ready_url):
                output.seek(0)
                raise AssertionError(f"{command} does not serve:\n{output.read().decode()[-4000:]}")
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
            process.kill()
            process.wait()
            process.stdin.close()


def _answers(process, url):
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return True
        # Nothing tells from outside when another process listens, so its port is asked again.
        time.sleep(0.02)
    return False


@contextmanager
def valkey_server():
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
def broker_process(toml, *, secret):
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
            "CHATGATE_DATA_DIR": folder,
            "REDIS_URL": valkey.url,
        }
        with serving([sys.executable, "-m", "broker"], f"{url}/readyz", environ=environ):
            yield url
