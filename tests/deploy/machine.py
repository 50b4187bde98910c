"""One machine as deploy/systemd sets it up, in a folder: its scripts, its Redis and its services.

The units' commands and environments are started by hand, and their credentials are the files themselves.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.deploy.manifests import DEPLOY, SERVICES, systemd
from tests.missing import cannot
from tests.ports import free_ports
from tests.processes import serving
from tests.system.stack import browser_on, own_environment

SYSTEMD = DEPLOY / "systemd"
PAGE = "https://owner.github.io"
PASSWORD = "a-tall-ship-and-a-star"


def redis_program(folder: Path) -> Path:
    """A folder with `redis-server`. Debian keeps the server as redis-check-rdb too, which redis-tools has."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    others = [shutil.which(one) for one in ("redis-cli", "sqlite3", "openssl")]
    if found is None or None in others:
        cannot("one machine has redis-tools, sqlite3 and openssl (Debian's packages)")
    folder.mkdir(exist_ok=True)
    if not (folder / "redis-server").exists():
        (folder / "redis-server").symlink_to(found)
    return folder


@dataclass
class Machine:
    """`more` are variables of its /etc/chatgate/environment."""

    folder: Path
    redis_port: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        free, *ports = free_ports(4)
        self.redis_port = self.redis_port or free
        self.ports = dict(zip(SERVICES, ports, strict=True))
        self.broker, self.proxy, self.backend = (f"http://127.0.0.1:{port}" for port in ports)
        self.programs = redis_program(self.folder.parent / "programs")
        self.etc, self.state, self.redis = (self.folder / name for name in ("etc", "state", "redis"))
        self.folder.mkdir()

    def run(self, script: str, *words: str) -> str:
        """A script of deploy/systemd in this machine's folders; its output."""
        environ = own_environment() | {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "ETC": str(self.etc),
            "STATE": str(self.state),
            "REDIS": str(self.redis),
            "REDIS_PORT": str(self.redis_port),
        }
        done = subprocess.run(
            [SYSTEMD / script, *words], env=environ, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def set_up(self) -> None:
        self.run("secrets.sh")
        shutil.copy(SYSTEMD / "chatgate.toml", self.etc)
        for folder in (self.state, self.redis):
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def running_redis(self) -> Iterator[None]:
        command: list[str | Path] = [
            self.programs / "redis-server",
            SYSTEMD / "redis.conf",
            "--dir",
            self.redis,
        ]
        command += ["--port", str(self.redis_port), "--aclfile", self.etc / "redis.acl"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 20
            while self.ask_redis("chatgate", "ping") != "PONG":
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def ask_redis(self, user: str, *words: str) -> str:
        secret = {"chatgate": "redis_password", "backup": "redis_backup_password"}.get(user)
        environ = dict(os.environ)
        login = []
        if secret is not None:
            environ["REDISCLI_AUTH"] = (self.etc / "secrets" / secret).read_text().strip()
            login = ["--user", user]
        command = ["redis-cli", "-p", str(self.redis_port), *login, *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        return (done.stdout + done.stderr).strip()

    @contextmanager
    def running(self, *names: str) -> Iterator[Self]:
        """Redis, and the services of these names."""
        with ExitStack() as stack:
            stack.enter_context(self.running_redis())
            for name in names:
                service = systemd(name)
                url = f"http://127.0.0.1:{self.ports[name]}/readyz"
                stack.enter_context(
                    serving(service.command, url, folder=self.folder, environ=self.environ_of(name))
                )
            yield self

    def environ_of(self, name: str) -> dict[str, str]:
        secrets = {f"{one.name}_file": str(one) for one in (self.etc / "secrets").iterdir()}
        environ = {key: value.format_map(secrets) for key, value in systemd(name).environ.items()}
        environ |= {f"CHATGATE_{name.upper()}_PORT": str(self.ports[name])}
        if name != "backend":
            environ |= {
                f"CHATGATE_{name.upper()}_METRICS_PORT": "0",
                f"CHATGATE_{name.upper()}_WORKERS": "1",
                "CHATGATE_CONFIG": str(self.etc / "chatgate.toml"),
                "CHATGATE_DATA_DIR": str(self.state),
                "CHATGATE_REDIS_DEADLINE_SECONDS": "2",
            }
        if name == "broker":
            environ |= self.more
        if name == "proxy":
            environ["CHATGATE_PROXY_JWKS_URL"] = f"{self.broker}/.well-known/jwks.json"
        return own_environment() | environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def command(self, *words: str) -> str:
        """`chatgate WORDS` as root would run it on this machine; its output."""
        environ = self.environ_of("broker") | {
            "CHATGATE_BACKENDS_BOOK_SECRET_FILE": str(self.etc / "secrets" / "book_secret"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "chatgate", *words],
            env=environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Reader:
    """A reader on a page of the site. Cookies are for https alone, which ends before the services."""

    def __init__(self, name: str) -> None:
        self.email = f"{name}@example.com"
        self.http = browser_on(PAGE)
        self.cookie: dict[str, str] = {}

    def sign_up(self, machine: Machine) -> httpx.Response:
        account = {"name": "Ada", "email": self.email, "password": PASSWORD}
        return self._keep(self.http.post(f"{machine.broker}/api/auth/sign-up/email", json=account))

    def sign_in(self, machine: Machine) -> httpx.Response:
        known = {"email": self.email, "password": PASSWORD}
        return self._keep(self.http.post(f"{machine.broker}/api/auth/sign-in/email", json=known))

    def sign_out(self, machine: Machine) -> httpx.Response:
        return self.http.post(f"{machine.broker}/api/auth/sign-out", headers=self.cookie)

    def token(self, machine: Machine) -> httpx.Response:
        return self.http.get(f"{machine.broker}/auth/token", headers=self.cookie)

    def conversations(self, machine: Machine, token: str) -> httpx.Response:
        return self.http.get(f"{machine.proxy}/sessions", headers={"Authorization": f"Bearer {token}"})

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        kept = [one.partition(";")[0] for one in answer.headers.get_list("set-cookie")]
        self.cookie = {"Cookie": "; ".join(kept)}
        return answer
