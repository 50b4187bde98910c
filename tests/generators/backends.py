"""Generated backends as processes of their own, and the three kinds of clients that ask them."""

import base64
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from scaffold import backend
from scaffold.backend import Options
from tests.chatgate.processes import is_running, until
from tests.processes import REPOSITORY, serving
from tests.system.stack import Reader
from tests.trust import TRUST

PAGE = "https://owner.github.io"
OTHER_PAGE = "https://other.example"
SECRET = "the backend's secret of these tests, which has more than 64 bytes"
GATEWAY = ("backend", "the secret of this resource server, long")
PATIENCE_S = 90
"""The import of openai alone takes seconds of a busy machine."""
EVENTS = {"Accept": "text/event-stream"}


def module_of(auth: str, db: str, llm: str | None) -> str:
    return "_".join([auth, db, llm or "quoted"]).replace("-", "_")


def options_of(auth: Any, db: Any, llm: Any, origins: tuple[str, ...] = (PAGE,)) -> Options:
    return Options(auth, db, llm, () if auth == "proxy" else origins, module_of(auth, db, llm))


ALL = [options_of(*chosen) for chosen in itertools.product(backend.AUTHS, backend.DBS, (None, *backend.LLMS))]
BROKER_TOML = f"""
env = "development"
[broker]
sign_up = true
[proxy]
url = "{{proxy}}"
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{PAGE}/book/signed-in"]
backend = "book"
session_bearer = true
guests = true
[sites.other]
origins = ["{OTHER_PAGE}"]
redirect_uris = ["{OTHER_PAGE}/signed-in"]
backend = "book"
[resource_servers.{GATEWAY[0]}]
secret = "{GATEWAY[1]}"
[backends.book]
url = "http://127.0.0.1:8002"
[sign_in]
sign_ups_per_address = 100000
attempts_per_address = 100000
"""


def environment(**more: str) -> dict[str, str]:
    """This process's own variables without any that a generated file reads."""
    ours = ("CHATGATE_", "OPENAI_", "INTROSPECTION_", "REDIS_URL", "DATABASE_URL", "ENVIRONMENT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@contextmanager
def served(folder: Path, module: str, port: int, environ: Mapping[str, str]) -> Iterator[str]:
    """The address of `folder/module.py` while uvicorn runs it, by its documented command."""
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--no-access-log"]
    url = f"http://127.0.0.1:{port}"
    with serving(command, f"{url}/readyz", folder=folder, environ=environ, patience=PATIENCE_S):
        yield url


class Forks:
    """Starts backends as `served` does, from a process that has imported it all. `logs` is a folder."""

    def __init__(self, process: subprocess.Popen[str], logs: Path) -> None:
        self._process = process
        self._logs = logs

    @contextmanager
    def served(self, folder: Path, module: str, port: int, environ: Mapping[str, str]) -> Iterator[str]:
        pid, log = self._start(folder, module, port, environ)
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: not is_running(pid) or _is_ready(url), PATIENCE_S)
            assert is_running(pid), log.read_text()[-4000:]
            yield url
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            until(lambda: not is_running(pid), PATIENCE_S)

    def refused(self, folder: Path, module: str, environ: Mapping[str, str]) -> str:
        """Return the output of one that does not start."""
        pid, log = self._start(folder, module, 0, environ)
        until(lambda: not is_running(pid), PATIENCE_S)
        said = log.read_text()
        assert "startup complete" not in said
        return said

    def _start(self, folder: Path, module: str, port: int, environ: Mapping[str, str]) -> tuple[int, Path]:
        log = self._logs / f"{next(_NUMBERS)}-{module}.log"
        words = [f"{module}:app", "--port", str(port), "--no-access-log"]
        order = {"words": words, "environ": environ, "folder": str(folder), "log": str(log)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()), log


_NUMBERS = itertools.count()


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return _READY.get(f"{url}/readyz").status_code == 200
    return False


# One, as each reads the trust store.
_READY = httpx.Client(verify=TRUST)


@contextmanager
def forks(logs: Path) -> Iterator[Forks]:
    command = [sys.executable, "-m", "tests.generators.forks"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        yield Forks(process, logs)
        process.stdin.close()


class Client:
    """Sends requests as one who may; `by` makes the headers that prove it. `owner` tells whose they are."""

    def __init__(self, url: str, by: Callable[[str, str, bytes], dict[str, str]]) -> None:
        self.by = by
        self.http = httpx.Client(base_url=url, timeout=20, verify=TRUST)

    def send(self, method: str, path: str, body: Any = None, **headers: Any) -> httpx.Response:
        """`body` is a value to be sent as JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else b"" if body is None else encoded(body)
        sent = {} if body is None else {"Content-Type": "application/json"}
        sent |= self.by(method, path, content) | {
            name.replace("_", "-"): one for name, one in headers.items()
        }
        return self.http.request(method, path, content=content, headers=sent)

    def ask(self, message: Any = "How often do I calibrate the sensor?", **members: Any) -> httpx.Response:
        return self.send("POST", "/chat", {"message": message, **members})

    def events(
        self, message: Any = "How often do I calibrate the sensor?", **members: Any
    ) -> list[tuple[str, Any]]:
        """The events as (name, data) pairs."""
        answer = self.send("POST", "/chat", {"message": message, **members}, **EVENTS)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return events_in(answer.text)

    def close(self) -> None:
        self.http.close()


def encoded(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair has no bytes of its own, only an escape.
        return json.dumps(value).encode()


def events_in(text: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def anybody(method: str, path: str, content: bytes) -> dict[str, str]:
    return {"Origin": PAGE}


def chat_proxy(method: str, path: str, content: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {internal_token(content)}"}


def internal_token(
    content: bytes, key: str | bytes = SECRET, header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """As docs/decisions/0002 has it. A claim that is None is left out."""
    now = int(time.time())
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    found = {"iss": "chatgate-proxy", "aud": "chatgate-backend", "iat": now, "exp": now + 60}
    found |= {"jti": "j", "body_sha256": digest} | claims
    payload = {name: value for name, value in found.items() if value is not None}
    head: dict[str, Any] = {"typ": "chatgate-internal+jwt", "alg": "HS256"} | dict(header or {})
    signed_by: Any = None if head["alg"] == "none" else key
    return jwt.encode(payload, signed_by, algorithm=head["alg"], headers=head)


class SignedIn:
    """A reader with an account at the broker, whose token is a bearer."""

    def __init__(self, broker: str, page: str = PAGE) -> None:
        self.reader = Reader(broker, "", page)
        self.page = page
        self.reader.sign_up()
        self.renew()

    def renew(self) -> None:
        assert self.reader.get_token().status_code == 200
        self.token = self.reader.token

    @property
    def email(self) -> Any:
        return self.reader.http.get(f"{self.reader.broker}/api/auth/get-session").json()["user"]["email"]

    def __call__(self, method: str, path: str, content: bytes) -> dict[str, str]:
        return {"Origin": self.page, "Authorization": f"Bearer {self.token}"}


def only(wanted: Callable[[Options], object]) -> pytest.MarkDecorator:
    """Marks a test as one of these backends alone."""
    chosen = list(filter(wanted, ALL))
    return pytest.mark.parametrize(
        "options", chosen, ids=attrgetter("module"), indirect=True, scope="session"
    )


with_model = only(lambda options: options.llm)
each_store = only(lambda options: not options.llm)
each_kind = only(lambda options: not options.llm and options.db == "memory")
by_tokens = only(lambda options: not options.llm and options.auth == "better-auth")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
