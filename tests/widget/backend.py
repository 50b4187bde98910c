"""A site's own answering service, which says what a test tells it to and notices when the proxy hangs up."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answering:
    """One connection of the proxy. `left_at` is when it was closed, in seconds since the epoch."""

    handler: BaseHTTPRequestHandler
    asked: dict[str, Any]
    left_at: float | None = None
    left: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.end_headers()

    def say(self, event: str, **data: Any) -> None:
        self.handler.wfile.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def write(self, text: str) -> None:
        self.say("delta", text=text)

    def wait_for_leaving(self, within: int = 20) -> None:
        """Reads until the proxy closes its end."""
        self.handler.connection.settimeout(within)
        with suppress(OSError):
            while self.handler.connection.recv(4096):
                pass
        self.left_at = time.time()
        self.left.set()


Script = Callable[[Answering], None]


def answer(*texts: str, citations: Sequence[tuple[str, str, str]] = ()) -> Script:
    """A script that says `texts` and `citations`, and ends well."""

    def script(one: Answering) -> None:
        one.begin()
        for text in texts:
            one.write(text)
        for title, url, quote in citations:
            one.say("citation", title=title, url=url, quote=quote)
        one.say("done")

    return script


def hang_after(*texts: str) -> Script:
    """A script that says `texts` and then nothing, until the proxy leaves."""

    def script(one: Answering) -> None:
        one.begin()
        for text in texts:
            one.write(text)
        one.wait_for_leaving()

    return script


def fail(status: int) -> Script:
    def script(one: Answering) -> None:
        one.handler.send_error(status)

    return script


@dataclass
class Backend:
    """`script` answers the next questions; `answerings` has each connection, the latest last."""

    url: str
    script: Script | None = None
    answerings: list[Answering] = field(default_factory=list)


@contextmanager
def scripted_backend() -> Iterator[Backend]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one = Answering(self, json.loads(body))
            found.answerings.append(one)
            assert found.script is not None
            # A proxy that hangs up in the middle is what some tests are about.
            with suppress(BrokenPipeError, ConnectionResetError):
                found.script(one)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Else closing waits for a script that waits for the proxy.
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as listening:
        found = Backend(f"http://127.0.0.1:{listening.server_port}", answer("It is so."))
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield found
        listening.shutdown()
        thread.join()
