"""Small web servers on loopback: the docs site, and what may stand between it and the broker."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.processes import REPOSITORY

CALLBACK_PATH = "/chatgate-callback.html"
CALLBACK = REPOSITORY / "examples" / "callback" / "chatgate-callback.html"
GUIDE = REPOSITORY / "docs" / "sign-in-from-a-site.md"
CLIENT_ID = "handbook"

PAGE = """<!doctype html><html lang="en"><title>A page of the book</title>
<button id="popup">Sign in</button><button id="here">Sign in here</button><output></output>
<script type="module" src="/page.js"></script>"""

# It keeps its tokens where a test can look at them; a test waits for the text that `show` writes.
PAGE_SCRIPT = """
import * as chatgate from "/sign-in.js";
window.chatgate = chatgate;
const say = (text) => { document.querySelector("output").textContent = text; };
const show = (promise) => promise.then(
  (tokens) => { window.tokens = tokens; say(tokens ? "signed in" : "signed out"); },
  (error) => say(error.message),
);
document.querySelector("#popup").onclick = () => show(chatgate.signInByPopup());
document.querySelector("#here").onclick = () => chatgate.signInByRedirect(location.origin + "/signed-in");
show(chatgate.signedInByRedirect());
"""


@dataclass(frozen=True)
class Answer:
    body: str = ""
    media_type: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """`answers` is asked with a path and its query; `received` has each path and the Cookie it came with."""

    port: int
    answers: dict[str, Callable[[str], Answer]] = field(default_factory=dict)
    received: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def other_site(self) -> str:
        """The same server under a name that is another site's to a browser."""
        return f"http://localhost:{self.port}"


@contextmanager
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            found.received.append((parts.path, self.headers.get("Cookie")))
            answer = found.answers.get(parts.path, lambda _: Answer(status=404))(parts.query)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.media_type)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        found = Server(listening.server_port)
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


def docs_site(site: Server, broker: str) -> None:
    """Makes `site` a docs site whose pages run the script of the guide. With `?by=` in its address a page
    opens the authorization endpoint at that origin instead of the broker's."""
    policy = f"default-src 'none'; script-src 'self'; connect-src {broker}"
    page = Answer(PAGE, headers={"Content-Security-Policy": policy})
    site.answers |= {
        "/": lambda _: page,
        "/signed-in": lambda _: page,
        "/page.js": lambda _: Answer(PAGE_SCRIPT, "text/javascript"),
        "/sign-in.js": lambda _: Answer(guide_script(broker, site.other_site), "text/javascript"),
        CALLBACK_PATH: lambda _: Answer(CALLBACK.read_text()),
        "/frame": lambda query: Answer(
            f'<!doctype html><title>x</title><iframe src="{broker}/{query}"></iframe>'
        ),
    }


def guide_script(broker: str, site: str) -> str:
    (script,) = re.findall(r"```js\n(.*?)```", GUIDE.read_text(), re.S)
    by = 'new URLSearchParams(location.search).get("by")'
    for written, ours in {
        '"https://auth.example.org"': f'"{broker}"',
        '"https://owner.github.io/handbook/chatgate-callback.html"': f'"{site}{CALLBACK_PATH}"',
        "${broker}/oauth2/authorize": f"${{{by} ?? broker}}/oauth2/authorize",
    }.items():
        assert script.count(written) == 1
        script = script.replace(written, ours)
    return script


def cutting(broker: str) -> Callable[[str], Answer]:
    """An authorization endpoint that leads to the broker's and cuts the popup from its opener on the way, as
    a login page of many a company does."""
    headers = {"Cross-Origin-Opener-Policy": "same-origin"}
    return lambda query: Answer(
        status=302, headers={**headers, "Location": f"{broker}/oauth2/authorize?{query}"}
    )
