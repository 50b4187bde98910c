"""One stack of docker-compose.yml as a test sees it: its commands, its containers, readers at its origin."""

import json
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.compose.engine import Docker
from tests.ports import free_ports
from tests.system.stack import browser_on

QUESTION = {"message": "How often does the station record a value?", "session_id": "s1", "mode": "normal"}
PASSWORD = "a-tall-ship-and-a-star"


@dataclass
class Stack:
    """`clone` is the folder of docker-compose.yml. Each stack has its own project, ports and
    subnet, of which it is given the first three numbers."""

    docker: Docker
    clone: Path
    project: str
    subnet: str
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port, self.tls_port = free_ports(2)
        self.environ = {
            "CHATGATE_HTTP": f"127.0.0.1:{self.port}",
            "CHATGATE_HTTPS": f"127.0.0.1:{self.tls_port}",
            "CHATGATE_SUBNET": f"{self.subnet}.0/28",
            "CHATGATE_OUTSIDE_SUBNET": f"{self.subnet}.16/28",
            **self.environ,
        }
        self.url = f"http://127.0.0.1:{self.port}"

    def __call__(self, *words: str, **options: Any) -> Any:
        """`docker compose WORDS`."""
        return self.docker.compose(self.project, self.clone, self.environ, *words, **options)

    def up(self, *services: str, files: Sequence[str] = ()) -> None:
        named = [word for file in ("docker-compose.yml", *files) for word in ("--file", file)]
        command = ("up", "--detach", "--wait", "--wait-timeout", "120", *services)
        done = self(*named, *command, check=False, timeout=500)
        assert done.returncode == 0, f"{done.stderr[-3000:]}\n{self('logs', '--no-color')[-6000:]}"

    def end(self) -> None:
        self("--profile", "commands", "down", "--volumes", "--remove-orphans", check=False)

    def containers(self) -> dict[str, Any]:
        """The engine's description of each running container, by its service."""
        ids = self("ps", "--quiet").split()
        found = json.loads(self.docker("inspect", *ids))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def inside(self, service: str, *command: str, **options: Any) -> Any:
        return self("exec", "-T", service, *command, **options)


class Reader:
    """A reader with a browser on a page of the stack's own origin, or with the headers that are given."""

    def __init__(self, url: str, *, origin: str | None = None, verify: Any = True, **headers: Any) -> None:
        self.http = browser_on(origin or url, url=url, verify=verify, **headers)

    def sign_up(self, email: str) -> httpx.Response:
        account = {"name": "Ada", "email": email, "password": PASSWORD}
        return self.http.post("/api/auth/sign-up/email", json=account)

    def sign_in(self, email: str) -> httpx.Response:
        return self.http.post("/api/auth/sign-in/email", json={"email": email, "password": PASSWORD})

    def sign_out(self) -> httpx.Response:
        return self.http.post("/api/auth/sign-out")

    def session(self) -> Any:
        # A page of the same origin sends no Origin with a GET.
        request = self.http.build_request("GET", "/api/auth/get-session")
        del request.headers["origin"]
        return self.http.send(request).raise_for_status().json()

    def token(self) -> httpx.Response:
        request = self.http.build_request("GET", "/auth/token")
        del request.headers["origin"]
        return self.http.send(request)

    def ask(self, token: str, **changes: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.post("/chat", json=QUESTION | changes, headers=headers)

    def stream(self, token: str, **changes: Any) -> Iterator[Any]:
        """The events of an answer: when each came (seconds from the question), its name and its data."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        begun = time.monotonic()
        with self.http.stream("POST", "/chat", json=QUESTION | changes, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            name = None
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield time.monotonic() - begun, name, json.loads(line.removeprefix("data: "))


def signed_up(stack: Stack, email: str) -> tuple[Reader, str]:
    reader = Reader(stack.url)
    assert reader.sign_up(email).status_code == 200
    return reader, reader.token().raise_for_status().json()["token"]


def trusting(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pem)
    context.check_hostname = True
    return context
