"""A docs site at one address, broker and proxy at two others, and two backends: a book and a script."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.browser.servers import CALLBACK, Answer, Server, server
from tests.chatgate.processes import short_folder
from tests.ports import free_ports
from tests.system.stack import Stack
from tests.trust import TRUST
from tests.widget.backend import Backend, scripted_backend
from tests.widget.package import built

QUESTION = "How often does the station record a value?"
ENDED_WITHIN_S = 0.25
BASE = "/my-book/"
CALLBACK_PATH = f"{BASE}chatgate-callback.html"
PASSWORD = "a-tall-ship-and-a-star"

TOML = """
env = "development"
[sign_in]
attempts_per_address = 100000
attempts_per_account = 1000
sign_ups_per_address = 100000
[sites.docs]
origins = ["http://localhost:1"]
backend = "book"
guests = true
[sites.lab]
origins = ["http://localhost:1"]
backend = "lab"
guests = true
[sites.closed]
origins = ["http://localhost:1"]
backend = "lab"
tier = "slow"
[sites.same]
origins = ["http://localhost:1"]
backend = "lab"
[sites.theirs]
origins = ["http://localhost:1"]
backend = "lab"
[sites.theirs.better_auth]
upstream = "http"
url = "http://127.0.0.1:1/api/auth"
webhook_secret = "the webhook's secret of these tests, long"
[sites.elsewhere]
origins = ["http://localhost:1"]
backend = "lab"
[sites.elsewhere.better_auth]
upstream = "http"
url = "http://127.0.0.1:1/api/auth"
[sites.jwt]
origins = ["http://localhost:1"]
backend = "lab"
[sites.jwt.better_auth]
upstream = "jwt"
url = "http://127.0.0.1:1/api/auth"
[sites.bearer]
origins = ["http://localhost:1"]
backend = "lab"
[sites.bearer.better_auth]
upstream = "http"
url = "http://127.0.0.1:1/api/auth"
[tiers.guest]
questions_per_minute = 6000
burst = 1000
concurrent = 2
daily_questions = 100000
[tiers.slow]
questions_per_minute = 20
burst = 1
[backends.book]
url = "http://127.0.0.1:8002"
[backends.lab]
url = "http://127.0.0.1:8002"
"""

_numbers = itertools.count()


@dataclass
class Stage:
    """The docs site is at localhost, the services are at 127.0.0.1: other sites to a browser."""

    site: Server
    stack: Stack
    backend: Backend
    between: Server
    """Where a test can stand in for what is between the page and the broker."""
    theirs: int
    """The port of a site with a Better Auth server of its own, which a test starts."""
    theirs_elsewhere: tuple[int, int]
    """The ports of such servers of the docs site: one on the same site, one on another, to a browser."""

    @property
    def origin(self) -> str:
        return self.site.other_site

    @property
    def home(self) -> str:
        return f"{self.origin}{BASE}"

    def options(self, **changes: Any) -> dict[str, Any]:
        """The options that the page gives to the widget; a value of None is left out."""
        options = {
            "backendUrl": self.stack.proxy,
            "brokerUrl": self.stack.broker,
            "clientId": "docs",
            "auth": "better-auth",
            "baseUrl": BASE,
        }
        return {name: value for name, value in (options | changes).items() if value is not None}

    def reader(self, client_id: str = "docs") -> str:
        """The address of a new account; its password is PASSWORD."""
        email = f"reader{next(_numbers)}@example.com"
        body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD}
        answer = httpx.post(
            f"{self.stack.broker}/api/auth/sign-up/email?client_id={client_id}",
            json=body,
            headers={"Origin": self.origin},
            verify=TRUST,
        )
        assert answer.status_code == 200, answer.text
        return email

    def elsewhere(self, email: str, client_id: str = "docs") -> httpx.Client:
        """The same reader in another browser: a client that holds the cookie of a session of its own, and
        keeps no connection that would have to be closed."""
        headers, limits = {"Origin": self.origin}, httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(
            base_url=self.stack.broker, headers=headers, limits=limits, timeout=20, verify=TRUST
        )
        body = {"email": email, "password": PASSWORD}
        answer = client.post(f"/api/auth/sign-in/email?client_id={client_id}", json=body)
        assert answer.status_code == 200, answer.text
        return client

    def command(self, *arguments: str) -> str:
        """The output of `chatgate`, run beside the services."""
        run = [sys.executable, "-m", "chatgate", *arguments]
        environ, folder = self.stack.environ, self.stack.folder
        done = subprocess.run(run, env=environ, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, path: str, body: str, media_type: str = "text/html", **headers: Any) -> None:
        """Puts a file under the site's base URL."""
        self.site.answers[f"{BASE}{path}"] = lambda _: Answer(body, media_type, headers=headers)


@contextmanager
def staged() -> Iterator[Stage]:
    with server() as site, server() as between, scripted_backend() as backend, short_folder() as folder:
        stack = Stack(folder, TOML)
        callback = f"{site.other_site}{CALLBACK_PATH}"
        for name in ("DOCS", "LAB", "CLOSED"):
            stack.environ[f"CHATGATE_SITES_{name}_ORIGINS"] = site.other_site
            stack.environ[f"CHATGATE_SITES_{name}_REDIRECT_URIS"] = callback
        stack.environ["CHATGATE_SITES_SAME_ORIGINS"] = site.url
        stack.environ["CHATGATE_SITES_SAME_REDIRECT_URIS"] = f"{site.url}{CALLBACK_PATH}"
        theirs, *elsewhere = free_ports(3)
        stack.environ["CHATGATE_SITES_THEIRS_ORIGINS"] = f"http://127.0.0.1:{theirs}"
        stack.environ["CHATGATE_SITES_THEIRS_BETTER_AUTH_URL"] = f"http://127.0.0.1:{theirs}/api/auth"
        for name, port in (("ELSEWHERE", elsewhere[0]), ("JWT", elsewhere[0]), ("BEARER", elsewhere[1])):
            stack.environ[f"CHATGATE_SITES_{name}_BETTER_AUTH_URL"] = f"http://127.0.0.1:{port}/api/auth"
            origin = site.other_site if name == "BEARER" else site.url
            stack.environ[f"CHATGATE_SITES_{name}_ORIGINS"] = origin
        stack.environ["CHATGATE_BACKENDS_LAB_URL"] = backend.url
        stack.environ["CHATGATE_BACKENDS_LAB_SECRET"] = "a secret that the tests' script does not look at"
        try:
            stack.start_all()
            stage = Stage(site, stack, backend, between, theirs, (elsewhere[0], elsewhere[1]))
            site.answers[CALLBACK_PATH] = lambda _: Answer(CALLBACK.read_text())
            for file in built().rglob("*.js"):
                script = file.read_text()
                stage.serve(f"widget/{file.relative_to(built())}", script, "text/javascript")
            yield stage
        finally:
            stack.stop_all()
