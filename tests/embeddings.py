"""An OpenAI-style server of embeddings on a loopback port, silent for as long as a test wants."""

import hashlib
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rag_backend.search.embedding import Remote

NAME = "digests"


class Embeddings(ThreadingHTTPServer):
    """`asked` has the texts in the order in which they came. `left` is the number of requests that it still
    answers; the others wait. `length` is that of its vectors, at most 32."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.asked: list[str] = []
        self.status = 200
        self.length = 32
        self.left = math.inf
        self.changed = threading.Condition()

    @property
    def model(self) -> Remote:
        return Remote(f"http://127.0.0.1:{self.server_port}/v1", NAME)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "CHATGATE_BACKEND_EMBEDDINGS_BASE_URL": self.model.base_url,
            "CHATGATE_BACKEND_EMBEDDINGS_MODEL": NAME,
        }

    def answer(self, requests: float = math.inf) -> None:
        with self.changed:
            self.left = requests
            self.changed.notify_all()

    def may_answer(self) -> bool:
        """Waits a little; returns True if this request is to be answered now."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.left > 0, timeout=0.1):
                return False
            self.left -= 1
            return True


class _Request(BaseHTTPRequestHandler):
    server: Embeddings

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.server.asked += texts
        with suppress(ConnectionError):
            self.send_response(self.server.status)
            self.end_headers()
            while not self.server.may_answer():
                # JSON may begin with spaces, and a client that hears something does not hang up.
                self.wfile.write(b" ")
            data = [
                {"index": at, "embedding": _vector(text)[: self.server.length]}
                for at, text in enumerate(texts)
            ]
            self.wfile.write(json.dumps({"data": data}).encode())

    def log_message(self, *_: object) -> None:
        pass


def _vector(text: str) -> list[float]:
    return [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()]


@contextmanager
def serving() -> Iterator[Embeddings]:
    with Embeddings() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.answer()
            server.shutdown()
