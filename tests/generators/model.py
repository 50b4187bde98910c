"""An OpenAI-style server on a loopback port, in threads of its own, which answers as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DONE = b"data: [DONE]\n\n"
ANSWER = "Every two weeks."
Reply = Callable[[BaseHTTPRequestHandler], None]


def chunk(text: str | None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    found = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "small",
        "choices": [choice],
    }
    return b"data: " + json.dumps(found).encode() + b"\n\n"


def says(*texts: str) -> Reply:
    """Streams the texts, and ends as a model does."""
    return streams(*map(chunk, texts), chunk(None, "stop"), DONE)


def streams(*parts: bytes | threading.Event) -> Reply:
    """Sends the parts, each at once; a part that is an event is waited for."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for part in parts:
            if isinstance(part, threading.Event):
                assert part.wait(20)
            else:
                handler.wfile.write(part)
                handler.wfile.flush()

    return reply


def refuses(status: int, **headers: Any) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


@dataclass
class Model:
    """`asked` are the bodies of its requests, the key and the path among them."""

    url: str = ""
    reply: Reply | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    has_left: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        self.reply = says("Every ", "two weeks.")
        self.asked.clear()
        self.has_left.clear()

    @property
    def texts(self) -> str:
        """All that the model was told at its last question, as one text."""
        return "\n".join(message["content"] for message in self.asked[-1]["messages"])


@contextmanager
def running() -> Iterator[Model]:
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append({**body, "path": self.path, "key": self.headers["Authorization"]})
            assert model.reply is not None
            try:
                model.reply(self)
            except ConnectionError:
                model.has_left.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
