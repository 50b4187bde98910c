"""A deployed site: pages of the sample book with the widget, broker and proxy, a backend that a test scripts,
and the addresses at which readers ask, where each test puts a reverse proxy."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from chatgate.environment import CALLBACK_PATH
from chatgate.stack.pages.book_site import ASSETS, SCRIPT, Widget, documents
from rag_backend.book import pages
from rag_backend.book.docusaurus import site
from tests.browser.servers import CALLBACK, Answer, Server, server
from tests.chatgate.command_line import chatgate
from tests.chatgate.doctor.fronts import Way, front
from tests.chatgate.processes import short_folder
from tests.ports import free_ports
from tests.processes import REPOSITORY
from tests.system.stack import Stack
from tests.widget.backend import Answering, Backend, answer, scripted_backend

BOOK = REPOSITORY / "examples" / "book"
BASE = "/book/"
EMAIL = "ada@example.com"
PASSWORD = "a-tall-ship-and-a-star"

TOML = """
env = "development"
[sign_in]
attempts_per_address = 100000
attempts_per_account = 1000
sign_ups_per_address = 100000
[sites.docs]
origins = ["{docs}", "{built}"]
redirect_uris = ["{docs}{callback}", "{built}/my-book/signed-in/chatgate.html"]
backend = "lab"
guests = true
[sites.closed]
origins = ["{docs}"]
redirect_uris = ["{docs}{callback}"]
backend = "lab"
[sites.slash]
origins = ["{docs}"]
redirect_uris = ["{docs}{callback}/"]
backend = "lab"
[sites.lone]
origins = ["https://lone.example.org"]
backend = "lab"
[sites.secure]
origins = ["{secure}"]
backend = "lab"
[sites.www]
origins = ["{www}"]
backend = "lab"
[sites.slow]
origins = ["{docs}"]
redirect_uris = ["{docs}{callback}"]
backend = "lab"
guests = true
guest_tier = "slow"
[sites.beside]
origins = ["{beside}"]
redirect_uris = ["{beside}{callback}"]
backend = "lab"
guests = true
[tiers.slow]
questions_per_minute = 1
burst = 1
[tiers.guest]
questions_per_minute = 6000
burst = 1000
concurrent = 10
daily_questions = 100000
[backends.lab]
url = "http://127.0.0.1:8002"
"""


@dataclass
class Deployment:
    """`site` is at localhost, and so is `built`, an address at which a test may serve a site. `secure` and
    `www` are other hosts, whose origins are registered with https, and with www before them."""

    site: Server
    secure: Server
    www: Server
    stack: Stack
    backend: Backend
    ways: list[Way]
    folder: Path
    built: str
    _numbers: list[int] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.site.other_site

    @property
    def home(self) -> str:
        return f"{self.origin}{BASE}"

    @property
    def broker(self) -> str:
        return f"http://127.0.0.1:{self.ways[0].public}"

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.ways[1].public}"

    def widget(self, **changes: Any) -> Widget:
        given = {"proxy": self.proxy, "broker": self.broker, "client_id": "docs", "auth": "guest"}
        return Widget(**given | changes)

    def publish(
        self, at: Server | None = None, *, policy: str | None = None, before: str = "", **changes: Any
    ) -> str:
        """Puts the home page, the widget's script and the callback page in place, as they should be but for
        `changes` of the widget, and `before` the end of the head."""
        place = at or self.site
        widget = self.widget(**changes)
        html = _home(widget).replace("</head>", f"{before}</head>")
        headers = widget.headers()
        if policy is not None:
            headers["Content-Security-Policy"] = policy
        script = (ASSETS / SCRIPT).read_text()
        place.answers.clear()
        place.answers |= {
            BASE: lambda _: Answer(html, headers=headers),
            f"{BASE}page.css": lambda _: Answer("", "text/css"),
            f"/{SCRIPT}": lambda _: Answer(script, "text/javascript"),
            CALLBACK_PATH: lambda _: Answer(CALLBACK.read_text()),
        }
        return f"{place.other_site}{BASE}"

    @contextmanager
    def behind(self, server: str = "nginx", added: Mapping[str, str] | None = None) -> Iterator[None]:
        """`{proxy}` in what is added is the proxy's own address."""
        private = f"http://127.0.0.1:{self.ways[1].private}"
        added = {name: text.replace("{proxy}", private) for name, text in (added or {}).items()}
        self._numbers.append(1)
        folder = self.folder / f"{server}{len(self._numbers)}"
        folder.mkdir()
        with front(server, folder, self.ways, added):
            yield

    def report(self, *options: str, site: str | None = None, code: int | None = None) -> Any:
        """The findings of `chatgate doctor --json` about the site; `code` is the exit code expected."""
        result = chatgate("doctor", "--site", site or self.home, "--json", *options)
        assert result.exit_code in (0, 1), result.output
        report = json.loads(result.stdout)
        assert result.exit_code == (0 if report["is_well"] else 1)
        return report

    def codes(self, *options: str, site: str | None = None) -> list[str]:
        return [one["code"] for one in self.report(*options, site=site)["findings"]]

    def only(self, code: str, *options: str, site: str | None = None) -> Any:
        """The one finding of the report, which has to be of this code."""
        findings = self.report(*options, site=site)["findings"]
        assert [one["code"] for one in findings] == [code], json.dumps(findings, indent=1)
        return findings[0]


@cache
def _home(widget: Widget) -> str:
    """The HTML of the book's first page; making it takes longer than all that a test does with it."""
    found = site.find(BOOK)
    return documents(pages.read(found), found.base_url, widget)[0][1]


@contextmanager
def deployed() -> Iterator[Deployment]:
    with ExitStack() as around:
        docs, secure, www = (around.enter_context(server()) for _ in range(3))
        backend = around.enter_context(scripted_backend())
        folder = around.enter_context(short_folder())
        origins = {
            "docs": docs.other_site,
            "secure": f"https://localhost:{secure.port}",
            "www": f"http://www.localhost:{www.port}",
        }
        public = free_ports(4)
        origins["built"] = f"http://localhost:{public[3]}"
        origins["beside"] = f"http://127.0.0.1:{public[0]}"
        stack = Stack(folder, TOML.format(callback=CALLBACK_PATH, **origins))
        ways = [
            Way("broker", public[0], stack.ports["broker"]),
            Way("proxy", public[1], stack.ports["chat_proxy"]),
            # Tells when the reverse proxy is ready, whatever a test has done to the others.
            Way("ready", public[2], stack.ports["broker"]),
        ]
        del stack.environ["CHATGATE_SITES_DOCS_ORIGINS"]
        stack.environ |= {
            "CHATGATE_BROKER_URL": f"http://127.0.0.1:{public[0]}",
            "CHATGATE_PROXY_URL": f"http://127.0.0.1:{public[1]}",
            "CHATGATE_PROXY_JWKS_URL": f"{stack.broker}/.well-known/jwks.json",
            "CHATGATE_BACKENDS_LAB_URL": backend.url,
            "CHATGATE_BACKENDS_LAB_SECRET": "a secret that the tests' script does not look at",
        }
        for name in [name for name in stack.environ if name.startswith("CHATGATE_BACKENDS_BOOK")]:
            del stack.environ[name]
        found = Deployment(docs, secure, www, stack, backend, ways, folder, origins["built"])
        with _running(stack):
            _sign_up(stack, found.origin)
            yield found


@contextmanager
def _running(stack: Stack) -> Iterator[None]:
    try:
        stack.valkey.start()
        for name in ("broker", "chat_proxy"):
            stack.start(name, wait=False)
        for name in ("broker", "chat_proxy"):
            stack.wait_for(name)
        yield
    finally:
        stack.stop_all()


def _sign_up(stack: Stack, origin: str) -> None:
    body = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
    url = f"{stack.broker}/api/auth/sign-up/email?client_id=docs"
    answered = httpx.post(url, json=body, headers={"Origin": origin}, timeout=20)
    assert answered.status_code == 200, answered.text


PAUSE_S = 0.2


def slow(one: Answering) -> None:
    """A model that writes: seven parts over more than a second."""
    one.begin()
    for number in range(7):
        one.write(f"Part {number}. ")
        threading.Event().wait(PAUSE_S)
    one.say("done")


FAST = answer("It is a book ", "about a station ", "that records values.")
